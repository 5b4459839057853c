"""Why a pair waits, in words."""

import pytest

from hub.review.reasons import reasons


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ({"name": "Ann Lee", "given_name": "Ann", "family_name": "Lee"}, {"name": "ANN LEE", "given_name": "ann", "family_name": "lee"},
         "Same name."),
        ({"given_name": "H."}, {"given_name": "Hugo"}, "Similar first name."),
        ({"mobile": "+49 151 1"}, {"mobile": "+491511"}, "Same mobile number."),
        ({"name": "Ann Lee", "given_name": "Ann", "family_name": "Lee"}, {"name": "Zoe Lee", "given_name": "Zoe", "family_name": "Lee"},
         "Same family name. Different first name."),
        ({"street": "3 Harbour Road"}, {"street": "3 Harbor Rd"}, "Similar street."),
        ({"email": "a@b.example", "city": None}, {"email": None, "city": "Graz"}, "The records hold nothing that can be compared directly."),
        ({"postcode": "8010", "city": "Graz", "phone": "1"}, {"postcode": "8010", "city": "Graz", "phone": "2"},
         "Same postcode. Different phone number."),
        ({}, {}, "The records hold nothing that can be compared directly."),
    ],
)  # fmt: skip
def test_reasons_name_what_agrees_and_what_does_not(a, b, said):
    assert reasons(a, b) == said
