"""Standardised records survive being written as texts and read back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from dedup.columns import Prepared
from hub.identity import forms
from hub.identity.models import SPECS
from hub.model.kinds import PartyKind
from tests.properties.test_dedup_matching import RECORDS
from tests.unit.test_dedup_world import organizations, persons, table


def told(prepared: Prepared) -> dict[str, list[list[str | None]]]:
    """The values of each record, by column."""
    return {
        name: [[None if code < 0 else column.vocabulary[code] for code in codes] for codes in column.codes.tolist()]
        for name, column in prepared.columns.items()
    }


def vocabularies(prepared: Prepared) -> set[tuple[str, ...]]:
    """Which columns share their words: what is done once per word is done for all columns of a group."""
    groups: dict[int, list[str]] = {}
    for name, column in prepared.columns.items():
        groups.setdefault(id(column.words), []).append(name)
    return {tuple(sorted(names)) for names in groups.values()}


def read(kind: PartyKind, prepared: Prepared) -> Prepared:
    return forms.read(kind, prepared.ids, forms.write(kind, prepared))


@pytest.mark.parametrize("kind", PartyKind)
@settings(max_examples=20, deadline=None)
@given(rows=RECORDS)
def test_a_form_holds_all_that_was_standardised(kind: PartyKind, rows: list[dict[str, Any]]) -> None:
    prepared = SPECS[kind].standardise(table(rows))
    assert told(read(kind, prepared)) == told(prepared)


@pytest.mark.parametrize("kind", PartyKind)
def test_many_forms_are_read_as_a_few_are(kind: PartyKind, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (persons if kind is PartyKind.PERSON else organizations)(size=60)[0]
    prepared = SPECS[kind].standardise(table(rows))
    few = read(kind, prepared)
    monkeypatch.setattr(forms, "_FEW", 0)
    monkeypatch.setattr(forms, "_PIECE", 50)
    many = read(kind, prepared)
    assert told(many) == told(few) == told(prepared)
    assert vocabularies(many) == vocabularies(few) == vocabularies(prepared)


@pytest.mark.parametrize("few", [0, 2_000])
def test_a_separator_within_a_value_is_left_out(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_FEW", few)
    website = table([{"name": "Acme", "website": f"https://ac{forms.SEPARATOR}me.com"}, {"name": "Acme"}])
    prepared = SPECS[PartyKind.ORGANIZATION].standardise(website)
    again = read(PartyKind.ORGANIZATION, prepared)
    assert told(again)["domain"] == [["acme.com", None, None], [None, None, None]]
    assert told(again)["name"] == told(prepared)["name"]
    assert np.array_equal(again.ids, prepared.ids)
