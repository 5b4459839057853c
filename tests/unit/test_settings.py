"""Mistakes in the settings are told, not passed over."""

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
