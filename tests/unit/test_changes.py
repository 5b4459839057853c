"""Changes of settings that can be tried: what is understood, what is refused, and how it is written down."""

import tomllib
from pathlib import Path

import pytest

from hub import changes
from hub.errors import ConfigurationError
from hub.settings import Settings


def test_a_file_and_single_settings_go_together_and_the_single_ones_go_first(tmp_path: Path):
    file = tmp_path / "changes.toml"
    file.write_text('[match]\nsame = 0.98\nreview = 0.2\n[survivorship.person.phone]\nrules = ["verified"]\n')
    nested = changes.read(file, ["match.same=0.97", 'survivorship.person.phone.prefer=["sales"]'])
    new = changes.applied(Settings(), nested)
    assert (new.match.same, new.match.review, new.match.learn_after) == (0.97, 0.2, 20)
    phone = new.survivorship.person["phone"]
    assert (phone.rules, phone.prefer) == (("verified",), {"sales"})
    assert dict(changes.leaves(nested)) == {
        "match.same": 0.97,
        "match.review": 0.2,
        "survivorship.person.phone.rules": ["verified"],
        "survivorship.person.phone.prefer": ["sales"],
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("sandbox.size=3", "sandbox.size cannot be tried"),
        ("review.claim_minutes=3", "review.claim_minutes cannot be tried"),
        ("database_url='postgresql://x'", "database_url cannot be tried"),
        ("hygeine.inactive_days=3", "there is no such setting"),
        ("hygiene.inactiv_days=3", "hygiene.inactiv_days"),
        ("hygiene.inactive_days=0", "hygiene.inactive_days"),
        ("match=3", "match"),
        ("match.same.low=3", "match.same"),
        ("match.review=0.995", "match.review must be below match.same"),
        ('survivorship.person.phone.rules=["luckiest"]', "survivorship.person.phone.rules"),
        ('survivorship.person.shoe.rules=["longest"]', "person.shoe: there is no such group"),
        ('survivorship.animal.phone.rules=["longest"]', "survivorship.animal"),
        ("hygiene.inactive_days", "no KEY=VALUE"),
        ("=3", "no KEY=VALUE"),
        ("match..same=3", "no KEY=VALUE"),
        ("source_priority=sales", "no value of TOML"),
        ("match.same=0.9\nevil=1", "no value of TOML"),
        ("match.same=", "no value of TOML"),
        ("match.same=0.9\0", "no value of TOML"),
    ],
)
def test_what_is_none_of_them_is_refused_by_name(said: str, told: str):
    with pytest.raises(ConfigurationError) as refused:
        changes.applied(Settings(), changes.read(None, [said]))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"match = [", "not TOML"), (b"\xff\xfe", "not TOML"), (b"a = 1\0", "not TOML"), (b"#" * 100_001, "larger than")],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes, told: str):
    file = tmp_path / "changes.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told):
        changes.read(file, [])


def test_a_file_that_is_not_there_and_nothing_at_all_are_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        changes.read(tmp_path / "nowhere.toml", [])
    with pytest.raises(ConfigurationError, match="say what is to be tried"):
        changes.read(None, [])


def test_the_lines_for_the_file_say_the_same_as_the_changes():
    nested = changes.read(
        None,
        [
            "match.same=0.97",
            'source_priority=["finance", "sales"]',
            'survivorship.person.phone.rules=["verified"]',
            'review.routes=[{to=["sales"], source="crm"}]',
            "hygiene.pushed_warn=4",
            "hygiene.pushed_critical=5",
        ],
    )
    written = changes.lines(nested)
    assert tomllib.loads("\n".join(written)) == nested
    assert written[0].startswith("source_priority"), "what follows a table would belong to it"
    assert changes.applied(Settings(), tomllib.loads("\n".join(written))) == changes.applied(Settings(), nested)


def test_what_is_in_force_is_told_beside(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ONERECORD_MATCH__SAME", "0.95")
    settings = Settings()
    assert changes.in_force(settings, "match.same") == 0.95
    assert changes.in_force(settings, "survivorship.person.phone.rules") is None
    assert changes.overruled({"match": {"same": 0.97}, "hygiene": {"pushed_warn": 3}}) == ["ONERECORD_MATCH__SAME"]
