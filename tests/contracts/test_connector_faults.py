"""What every connector does on a source's bad days: it waits and goes on, or says clearly what is wrong."""

import pytest
from sqlalchemy import text

from connectors import registry
from connectors.conform import conform_source
from connectors.sync import sync_source
from hub.errors import ConfigurationError, SourceError, TransientSourceError
from tests.contracts import departments
from tests.contracts.departments import Department

NO_ROWS_LOST = "the same rows as an undisturbed sync"
# The stream that a fault is aimed at: where it is in the path, and a field that all its rows must have.
AIMED = {
    "salesforce": ("Contact", "", "LastName"),
    "hubspot": ("contacts", "objects/contacts", "lastname"),
    "zendesk": ("users", "users", "role"),
    "stripe": ("charges", "charges", "currency"),
}


def secrets_of(department: Department) -> list[str]:
    return [value.get_secret_value() for value in department.source().credentials.values()]


@pytest.mark.parametrize("kind", ["429", "500", "truncate", "malformed"])
def test_trouble_that_passes_is_waited_out(department: Department, kind: str):
    department.fault(kind, count=2)
    department.sync()
    assert set(department.landed()) == department.alive(), NO_ROWS_LOST


@pytest.mark.parametrize(("kind", "said"), [("429", "429"), ("truncate", "cut off"), ("malformed", "malformed JSON")])
def test_trouble_that_stays_ends_the_sync_and_loses_nothing(department: Department, kind: str, said: str):
    department.sync(streams=[registry.connector(department.system).streams[0].name])
    department.fault(kind, count=500)
    with pytest.raises(TransientSourceError, match=said) as caught:
        department.sync()
    assert caught.value.source == department.system
    assert "(after {" in str(caught.value), "the message tells how far the stream was read"
    assert not any(secret in str(caught.value) for secret in secrets_of(department))
    department.mend()
    department.sync()
    assert set(department.landed()) == department.alive(), NO_ROWS_LOST


def test_a_refused_credential_is_named(department: Department):
    department.fault("401", count=500)
    with pytest.raises(SourceError, match=r"401.* -> check credentials\.") as caught:
        department.sync()
    assert not isinstance(caught.value, TransientSourceError)
    assert not any(secret in str(caught.value) for secret in secrets_of(department))
    with department.engine.connect() as connection:
        errors = connection.execute(text("SELECT error FROM landing.sync_run")).scalars().all()
    assert errors
    assert all("401" in error for error in errors)


LIMITS = {
    "salesforce": r"REQUEST_LIMIT_EXCEEDED.* -> resume within 24 hours",
    "hubspot": r"requests of the day are used up.* -> resume after midnight",
    "zendesk": r"429 after all retries.* -> .*run again later",
    "stripe": r"429 after all retries.* -> .*run again later",
}


def test_a_limit_that_is_reached_says_when_to_resume(department: Department):
    department.fault("limit", count=500)
    with pytest.raises(SourceError, match=LIMITS[department.system]):
        department.sync()


def test_a_missing_credential_is_named(department: Department):
    source = department.source().model_copy(update={"credentials": {}})
    connector = registry.connector(department.system)
    with pytest.raises(ConfigurationError, match=r"credentials\.\w+ is missing"):
        connector.connect(source)


def test_a_server_that_is_gone_is_named_and_the_sync_goes_on_when_it_is_back(department: Department):
    dead = department.source().model_copy(update={"base_url": "http://127.0.0.1:9"})
    with pytest.raises(TransientSourceError, match=r"check base_url") as caught:
        sync_source(department.engine, dead, run_id="test", as_of=department.now)
    assert caught.value.source == department.system
    department.sync()
    assert set(department.landed()) == department.alive()


def test_a_renamed_field_is_a_changed_schema_and_nothing_of_it_lands(department: Department):
    stream, path, field = AIMED[department.system]
    if department.system == "salesforce":
        department.fault("renamed_field", count=500, field=field)
    else:
        department.fault("renamed_field", count=500, path=path, field=field)
    with pytest.raises(SourceError, match=rf"schema changed: .*{field}") as caught:
        department.sync(streams=[stream])
    assert caught.value.stream == stream
    assert department.landed() == {}
    department.mend()
    department.sync()
    assert set(department.landed()) == department.alive(), NO_ROWS_LOST


def test_one_bad_row_goes_to_quarantine_with_its_field_and_comes_back_when_it_fits(department: Department):
    stream, path, field = AIMED[department.system]
    aimed = {} if department.system == "salesforce" else {"path": path}
    department.fault("wrong_type", count=1, field=field, rows=1, **aimed)
    department.sync(streams=[stream])
    report = next(r for r in conform_source(department.engine, department.source(streams=[stream]), run_id="t"))
    assert report.quarantined == 1
    assert sum(report.failures.values()) == 1
    with department.engine.connect() as connection:
        entry = connection.execute(text("SELECT * FROM landing.quarantine")).one()
        others = connection.execute(text("SELECT count(*) FROM landing.to_conform")).scalar_one()
    assert (entry.source, entry.stream, entry.stage, entry.resolved_at) == (department.system, stream, "conform", None)
    assert field in entry.field
    assert others == 0
    _read_anew(department)
    department.sync(streams=[stream])
    again = next(r for r in conform_source(department.engine, department.source(streams=[stream]), run_id="t"))
    assert again.records > 0
    assert again.quarantined == 0
    with department.engine.connect() as connection:
        assert connection.execute(text("SELECT resolved_at FROM landing.quarantine")).scalar_one() is not None


def test_the_longest_wait_is_bounded(department: Department):
    department.fault("429", count=500, retry_after=3600)
    with pytest.raises(TransientSourceError):
        department.sync()  # with Retry-After taken at its word this would last for hours


def _read_anew(department: Department) -> None:
    with department.engine.begin() as connection:
        connection.execute(text("DELETE FROM landing.watermark"))


def test_unknown_options_and_systems_are_named(department: Department):
    with pytest.raises(ConfigurationError, match=r"options: retrys"):
        department.sync(retrys=3)
    other = department.source().model_copy(update={"system": "siebel"})
    with pytest.raises(ConfigurationError, match=r"siebel.*hubspot, salesforce, stripe, zendesk"):
        registry.connector(other.system)


def test_every_system_of_the_sandbox_has_a_connector():
    assert set(departments.SYSTEMS) == set(registry.CONNECTORS)
