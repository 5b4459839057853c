"""Figures tell of groups and never of a single person, neither directly nor by subtraction."""

import pytest

from hub.coach.teams import DEPARTMENT, OTHERS, Group, grouped


def team(name: str, owners: int) -> Group:
    return Group(name, owners, deals=10 * owners, flagged=owners, critical=1)


@pytest.mark.parametrize(
    ("teams", "shown"),
    [
        ({}, {}),
        ({"north": 4}, {}),
        ({"north": 5}, {DEPARTMENT: 5, "north": 5}),
        ({"north": 5, "south": 5}, {DEPARTMENT: 10, "north": 5, "south": 5}),
        ({"north": 4, "south": 1}, {DEPARTMENT: 5}),
        ({"north": 7, "south": 4}, {DEPARTMENT: 11}),  # the whole less the north would tell of the south
        ({"north": 7, "east": 6, "south": 4}, {DEPARTMENT: 17, "north": 7, OTHERS: 10}),
        ({"north": 7, "": 9}, {DEPARTMENT: 16, "north": 7, OTHERS: 9}),
    ],
)
def test_a_group_is_shown_from_five_owners_on(teams, shown):
    found = grouped([team(name, owners) for name, owners in teams.items()], 5)
    assert {group.name: group.owners for group in found} == shown


def test_what_is_shown_adds_up():
    whole, *parts = grouped([team("north", 7), team("east", 6), team("south", 4)], 5)
    assert whole.flagged == sum(part.flagged for part in parts) == 17
    assert whole.critical == 3
