"""Mistakes in the settings are told, not passed over."""

import re
from pathlib import Path

import pytest

from hub import settings
from hub.errors import ConfigurationError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder without settings; whatever is loaded in it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    settings.load.cache_clear()
    yield tmp_path
    settings.load.cache_clear()


@pytest.mark.parametrize("section", ["sandbox", "match", "hygiene", "gate"])
def test_an_unknown_key_of_a_section_is_named(here, section):
    (here / "onerecord.toml").write_text(f"[{section}]\nsmae = 1\n")
    with pytest.raises(ConfigurationError, match=rf"{section}\.smae"):
        settings.load()


def test_an_unknown_key_of_a_section_in_the_environment_is_named(here, monkeypatch):
    monkeypatch.setenv("ONERECORD_MATCH__SMAE", "0.9")
    with pytest.raises(ConfigurationError, match=r"match\.smae"):
        settings.load()


@pytest.mark.parametrize(
    "template", ["https://crm.example/", "javascript:alert({source_id})", "https://x/{id}/{source_id}"]
)
def test_an_address_of_records_leads_to_a_record(template):
    given = {"name": "crm", "system": "salesforce", "department": "sales", "base_url": "https://crm.example"}
    with pytest.raises(ValueError, match="record_url"):
        settings.SourceSettings(**given, record_url=template)


def test_the_example_can_be_copied_as_it_is(here, monkeypatch):
    example = (Path(__file__).parents[2] / "onerecord.example.toml").read_text()
    for name in re.findall(r'"env:(\w+)"', example):
        monkeypatch.setenv(name, "given")
    (here / "onerecord.toml").write_text(example)
    assert len(settings.load().sources) == 4
