"""Comparisons of what people and organizations have alike: e-mail, phone, web domain, address, tax id."""

import numpy as np

from dedup.columns import MISSING, Flags, Index, Levels, Prepared, overlap
from dedup.compare.values import any_slip, both, jaro_winkler, one_slip, same


def personal_email(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same, 2 same but shared, 3 one slip, 4 same telling name, 5 private and work, 6 two private, 7 two of work."""
    address = table.columns["email"]
    a, b = address.codes[left], address.codes[right]
    exact = overlap(table.codes("own_email")[left], table.codes("own_email")[right])
    shared = overlap(a, b) | overlap(table.codes("role_email")[left], table.codes("role_email")[right])
    known = both(a[:, 0], b[:, 0])
    # Two addresses that differ in digits only (smith1@, smith2@) are two mailboxes, not a slip.
    digits = same(table.first("email_letters")[left], table.first("email_letters")[right])
    slip = one_slip(address, a[:, 0], b[:, 0], ~shared & ~digits)
    local = same(table.first("email_local")[left], table.first("email_local")[right])
    private_a, private_b = table.first("private")[left] != MISSING, table.first("private")[right] != MISSING
    outcome = [exact, shared, slip, local, known & (private_a != private_b), known & private_a, known]
    return np.select(outcome, np.arange(1, 8), 0).astype(np.uint8)


def phone(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same, 2 same but shared by many, 3 one digit off or same without area, 4 different."""
    column = table.columns["phone"]
    a, b = column.codes[left], column.codes[right]
    own = table.codes("own_phone")
    exact, shared = overlap(own[left], own[right]), overlap(a, b)
    tail = overlap(table.codes("phone_tail")[left], table.codes("phone_tail")[right])
    known = both(a[:, 0], b[:, 0])
    slip = any_slip(column, left, right, ~shared & ~tail)
    return np.select([exact, shared, tail | slip, known], [1, 2, 3, 4], 0).astype(np.uint8)


def address(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same house, 2 similar street in one place, 3 same postcode, 4 same place, 5 other place, 6 other country."""
    street, city = table.columns["street"], table.columns["city"]
    street_a, street_b = street.first[left], street.first[right]
    number_a, number_b = table.first("house")[left], table.first("house")[right]
    city_a, city_b = city.first[left], city.first[right]
    post_a, post_b = table.first("postcode")[left], table.first("postcode")[right]
    country_a, country_b = table.first("country")[left], table.first("country")[right]

    postcode = same(post_a, post_b)
    town = same(city_a, city_b)
    town |= jaro_winkler(city, city_a, city_b, ~town & ~postcode) >= 0.92
    abroad = both(country_a, country_b) & ~same(country_a, country_b)
    placed = both(post_a, post_b) | both(city_a, city_b)
    place = (postcode | town | ~placed) & ~abroad
    street_same = same(street_a, street_b)
    street_alike = street_same | (jaro_winkler(street, street_a, street_b, place & ~street_same) >= 0.9)
    number_same = same(number_a, number_b) | ((number_a == MISSING) & (number_b == MISSING))
    number_fits = same(number_a, number_b) | ~both(number_a, number_b)
    outcome = [
        street_same & number_same & place,
        street_alike & number_fits & place,
        postcode & ~abroad,
        town & ~abroad,
        placed & ~abroad,
        abroad,
    ]
    return np.select(outcome, np.arange(1, 7), 0).astype(np.uint8)


def tax_id(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same, 2 one slip, 3 different."""
    column = table.columns["tax_id"]
    a, b = column.first[left], column.first[right]
    exact = same(a, b)
    checked = table.first("tax_id_checked")
    # Two numbers whose check digits are right are two numbers, however alike.
    slip = one_slip(column, a, b, ~exact & ~both(checked[left], checked[right]))
    return np.select([exact, slip, both(a, b)], [1, 2, 3], 0).astype(np.uint8)


def web(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same e-mail address, 2 same domain, 3 same but for the top-level domain, 4 different domain."""
    mail = table.codes("own_email")
    domains, labels = table.columns["domain"], table.codes("domain_label")
    own = table.codes("own_domain")
    exact = overlap(mail[left], mail[right])
    domain = overlap(own[left], own[right])
    label = overlap(labels[left], labels[right]) & ~overlap(domains.codes[left], domains.codes[right])
    known: Flags = both(domains.first[left], domains.first[right])
    return np.select([exact, domain, label, known], [1, 2, 3, 4], 0).astype(np.uint8)
