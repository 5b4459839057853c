"""Rules of webhooks that need nothing else: when to try again, where to deliver, what signs, what an event is."""

import datetime as dt
import ipaddress
import json
import uuid

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from hub.errors import ConfigurationError
from hub.webhooks import addresses, event, schedule, signing, transport

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
CHANGE = {
    "sequence": 4711, "golden_id": uuid.UUID(int=7), "version": 2, "op": "changed", "survivor": None, "publication": 12,
    "before": {"name": "Zoë"}, "after": {"name": "Zoë Ünal"}, "happened_at": NOW,
}  # fmt: skip


def test_the_schedule_is_that_of_standard_webhooks_and_ends():
    waits = [schedule.wait(failed, jitter=0) for failed in range(1, schedule.ATTEMPTS + 1)]
    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None]
    assert sum(wait for wait in waits if wait) == (75 * 60 + 35) * 60 + 5


@given(failed=st.integers(1, schedule.ATTEMPTS - 1))
def test_jitter_moves_a_wait_by_a_fifth_at_most(failed: int):
    wait = schedule.wait(failed)
    assert wait is not None
    assert 0.8 <= wait / schedule.WAITS[failed - 1] <= 1.2


def test_a_receiver_may_ask_for_more_patience_but_not_for_less_and_not_for_ever():
    assert schedule.wait(1, asked=60, jitter=0) == 60
    assert schedule.wait(2, asked=60, jitter=0) == 300
    assert schedule.wait(1, asked=10**9, jitter=0) == 86_400
    assert schedule.wait(schedule.ATTEMPTS, asked=60) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 24 Nov 2026 12:02:00 GMT", 120.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        (None, None), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("١٢", None), ("Tue, 99 Nov 2026", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None):
    assert schedule.retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
        "168.63.129.16", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7",
        "203.0.113.7", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:10.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
        "3fff::1", "5f00::1", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str):
    assert addresses.refusal(ipaddress.ip_address(address)) is not None


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.63.255.255", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1"],
)  # fmt: skip
def test_what_is_public_is_not(address: str):
    assert addresses.refusal(ipaddress.ip_address(address)) is None


@given(st.ip_addresses())
def test_nothing_passes_that_python_knows_to_be_private(address: addresses.Address):
    if addresses.refusal(address) is None:
        real = getattr(address, "ipv4_mapped", None) or address
        assert real.is_global
        assert not any((real.is_multicast, real.is_loopback, real.is_link_local, real.is_reserved))


def test_an_allowed_network_allows_itself_and_no_other():
    allowed = [ipaddress.ip_network("10.20.0.0/16")]
    assert addresses.refusal(ipaddress.ip_address("10.20.3.4"), allowed) is None
    assert addresses.refusal(ipaddress.ip_address("::ffff:10.20.3.4"), allowed) is None
    assert addresses.refusal(ipaddress.ip_address("10.21.3.4"), allowed) == "private"
    assert addresses.refusal(ipaddress.ip_address("fd00::1"), allowed) == "private"


@pytest.mark.parametrize(
    "url",
    ["ftp://h/x", "h/x", "//h/x", "https:///x", "https://user:secret@h/x", "https://h/x#part", "https://h:99999/", "https://h h/", ""],
)  # fmt: skip
def test_what_is_no_url_of_a_webhook_is_refused_without_being_repeated(url: str):
    with pytest.raises(ConfigurationError) as told:
        transport.parsed(url)
    assert "secret" not in str(told.value)


def test_a_query_may_hold_a_token_and_is_not_shown():
    assert transport.shown("https://h.example/x?code=token") == "https://h.example/x?..."
    assert transport.shown("https://h.example/x") == "https://h.example/x"


def test_a_change_is_a_cloud_event():
    made = event.of_change(CHANGE)
    assert made.body() == event.of_change(CHANGE).body(), "retries send the same bytes"
    headers = {"content-type": event.MEDIA_TYPE}
    read = from_structured_event(HTTPMessage(headers=headers, body=made.body().encode()))
    assert isinstance(read, CloudEvent)
    assert read.get_specversion() == "1.0"
    assert (read.get_id(), read.get_type()) == ("change-4711", "onerecord.customer.changed")
    assert (read.get_source(), read.get_subject()) == ("/v1/changes", str(uuid.UUID(int=7)))
    assert (read.get_time(), read.get_datacontenttype()) == (NOW, "application/json")
    data = read.get_data()
    assert (data["sequence"], data["after"]) == (4711, {"name": "Zoë Ünal"})


def test_a_ping_is_a_cloud_event_without_a_subject():
    made = json.loads(event.ping("crm").body())
    assert (made["type"], made["data"], "subject" in made) == ("onerecord.ping", {"webhook": "crm"}, False)


def test_a_secret_is_derived_and_of_the_form_that_receivers_know():
    salt = signing.new_salt()
    secret = signing.derive("the hub's key", salt)
    assert secret == signing.derive("the hub's key", salt)
    assert len({secret, signing.derive("another key", salt), signing.derive("the hub's key", signing.new_salt())}) == 3
    assert secret.startswith("whsec_")
    assert len(Webhook(secret)._whsecret) == 32


def test_both_secrets_of_a_rotation_verify_and_no_other():
    old, new, other = (signing.derive("key", signing.new_salt()) for _ in range(3))
    signed = signing.headers([new, old], "change-1", dt.datetime.now(dt.UTC), '{"a":"ü"}')
    for secret in (old, new):
        assert Webhook(secret).verify('{"a":"ü"}', signed) == {"a": "ü"}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify('{"a":"ü"}', signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify('{"a":"u"}', signed)
