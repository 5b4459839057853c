"""Comparisons of what only people have: a personal name, a birth date, an employer."""

import numpy as np

from dedup.columns import Flags, Index, Levels, Prepared, overlap
from dedup.compare.values import both, jaro_winkler, one_slip, same, shared

# "Smith" and "Smyth" score 0.89, "Katherine" and "Catherine" 0.93; unrelated names of one language up to about 0.8.
ALIKE = 0.88


def name(table: Prepared, left: Index, right: Index) -> Levels:
    """Given and family name together, in either order: outcomes 1 to 11 as in the specification of persons."""
    given, family = table.columns["given"], table.columns["family"]
    given_a, given_b, family_a, family_b = (
        given.first[left],
        given.first[right],
        family.first[left],
        family.first[right],
    )
    swapped = same(given_a, family_b) & same(family_a, given_b)
    given_known, family_known = both(given_a, given_b), both(family_a, family_b)

    family_same = same(family_a, family_b)
    family_alike = family_same | (jaro_winkler(family, family_a, family_b, ~family_same) >= ALIKE)
    family_alike |= shared(table.codes("family_parts"), left, right, ~family_alike)

    given_same = same(given_a, given_b)
    short = shared(table.codes("roots"), left, right, ~given_same)
    letter = (table.first("letter")[left] >= 0) | (table.first("letter")[right] >= 0)
    initial = shared(table.codes("initial"), left, right, letter & ~given_same)
    close = ~given_same & ~short & ~letter
    worth = close & (family_alike | ~family_known)
    root = table.columns["root"]
    close &= (jaro_winkler(given, given_a, given_b, worth) >= ALIKE) | (
        jaro_winkler(root, root.first[left], root.first[right], worth) >= ALIKE
    )
    established = (table.first("established")[left] >= 0) & (table.first("established")[right] >= 0)
    slip, neighbour = close & ~established, close & established
    given_fits = given_same | short

    crossed, crossed_initial = _crossed(table, left, right, ~family_alike & ~swapped)

    outcome = [
        swapped | (given_same & family_same),
        short & family_same,
        (given_fits & family_alike) | (slip & family_same) | crossed,
        slip & family_alike,
        (initial & family_alike) | crossed_initial,
        family_alike & ~given_known,
        given_fits & ~family_known,
        given_fits & family_known,
        neighbour & family_alike,
        family_alike & given_known,
        given_known | family_known,
    ]
    return np.select(outcome, np.arange(1, 12), 0).astype(np.uint8)


def _crossed(table: Prepared, left: Index, right: Index, undecided: Flags) -> tuple[Flags, Flags]:
    """Whether given and family name stand in each other's place, alike in full; or alike but for an initial."""
    given, family = table.columns["given"], table.columns["family"]
    roots, family_roots = table.codes("roots"), table.codes("family_roots")
    letter, initial, family_initial = table.first("letter"), table.codes("initial"), table.codes("family_initial")
    family_to_given = jaro_winkler(given, family.first[left], given.first[right], undecided) >= ALIKE
    given_to_family = jaro_winkler(given, given.first[left], family.first[right], undecided) >= ALIKE
    # Of few pairs one is like the other; only these are looked at any closer.
    rows = np.nonzero(family_to_given | given_to_family)[0]
    left, right, one, other = left[rows], right[rows], family_to_given[rows], given_to_family[rows]
    one_short = one | overlap(family_roots[left], roots[right])
    other_short = other | overlap(roots[left], family_roots[right])
    full, shortened = np.zeros((2, len(undecided)), dtype=bool)
    full[rows] = (one & other_short) | (other & one_short)
    shortened[rows] = other & (letter[right] >= 0) & overlap(family_initial[left], initial[right])
    shortened[rows] |= one & (letter[left] >= 0) & overlap(initial[left], family_initial[right])
    return full, shortened & ~full


def generation(table: Prepared, left: Index, right: Index) -> Levels:
    """1 both junior or both senior, 2 one each."""
    a, b = table.first("generation")[left], table.first("generation")[right]
    return np.select([same(a, b), both(a, b)], [1, 2], 0).astype(np.uint8)


def birth_date(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same, 2 one slip (a digit, or day and month swapped), 3 same year and month or day, 4 different."""
    column = table.columns["birth_date"]
    a, b = column.first[left], column.first[right]
    exact = same(a, b)
    slip = one_slip(column, a, b, ~exact)
    swapped = same(a, table.first("birth_date_swapped")[right])
    month, day = (same(table.first(part)[left], table.first(part)[right]) for part in ("birth_month", "birth_day"))
    near = same(table.first("birth_year")[left], table.first("birth_year")[right]) & (month | day)
    return np.select([exact, slip | swapped, near, both(a, b)], [1, 2, 3, 4], 0).astype(np.uint8)


def employer(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same name, 2 same company domain, 3 similar name, 4 different name or domain."""
    column = table.columns["employer"]
    a, b = column.first[left], column.first[right]
    key_a, key_b = table.first("employer_key")[left], table.first("employer_key")[right]
    exact = same(a, b) | same(key_a, key_b)
    domains_a, domains_b = table.codes("work_domain")[left], table.codes("work_domain")[right]
    domain = overlap(domains_a, domains_b)
    alike = jaro_winkler(column, a, b, ~exact & ~domain) >= 0.92
    known: Flags = both(a, b) | both(domains_a[:, 0], domains_b[:, 0])
    return np.select([exact, domain, alike, known], [1, 2, 3, 4], 0).astype(np.uint8)
