"""The generated world: repeatable, complete in its truth, and holding every kind of thing it promises."""

import csv
import hashlib
import json
import re
import sqlite3
from collections import Counter, defaultdict

import pytest

from connectors import sandbox
from connectors.sandbox import moments, store
from hub.errors import ConfigurationError

PARTIES = {
    "salesforce.Account", "salesforce.Contact", "salesforce.Lead", "hubspot.contacts", "hubspot.companies", "zendesk.users",
    "zendesk.organizations", "stripe.customer",
}  # fmt: skip
SIZE, SEED = 5_000, 7


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The world that newcomers see first."""
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox.create(folder, size=SIZE, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def rows(world) -> dict[str, list[store.Row]]:
    found = defaultdict(list)
    with store.opened(world) as db:
        for row in store.read(db, "1 ORDER BY object, seq"):
            found[row.object].append(row)
    return found


def fingerprint(folder) -> str:
    digest = hashlib.sha256()
    with store.opened(folder) as db:
        for row in db.execute("SELECT * FROM record ORDER BY object, seq"):
            digest.update(repr(row).encode())
        for row in db.execute("SELECT * FROM link ORDER BY 1, 2, 3, 4, 5"):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def truth(folder) -> list[dict[str, str]]:
    with sandbox.truth_path(folder).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_and_size_make_the_same_world_and_the_same_days(tmp_path):
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        sandbox.create(tmp_path / name, size=1_000, seed=seed)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two") != fingerprint(tmp_path / "other")
    sandbox.tick(tmp_path / "one", days=2)
    sandbox.tick(tmp_path / "two")
    sandbox.tick(tmp_path / "two")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    assert sandbox.truth_path(tmp_path / "one").read_bytes() == sandbox.truth_path(tmp_path / "two").read_bytes()


def test_creating_again_does_nothing_and_creating_another_is_refused(world):
    before = fingerprint(world)
    sandbox.create(world, size=SIZE, seed=SEED)
    assert fingerprint(world) == before
    with pytest.raises(ConfigurationError, match="delete that folder"):
        sandbox.create(world, size=SIZE, seed=SEED + 1)


def test_an_interrupted_creation_leaves_no_world(tmp_path, monkeypatch):
    def broken(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "set_meta", broken)
        with pytest.raises(KeyboardInterrupt):
            sandbox.create(tmp_path, size=500, seed=1)
    assert not store.path(tmp_path).exists()
    sandbox.create(tmp_path, size=500, seed=1)
    assert store.path(tmp_path).exists()


def test_the_size_is_about_what_was_asked(rows):
    assert SIZE <= sum(map(len, rows.values())) <= SIZE * 1.02


def test_the_truth_names_every_party_row_and_nothing_else(world, rows):
    known = {(entry["source"], entry["stream"], entry["source_id"]) for entry in truth(world)}
    made = {
        (*row.object.replace("stripe.customer", "stripe.customers").split("."), row.id)
        for name in PARTIES
        for row in rows[name]
    }
    assert known == made
    assert {entry["kind"] for entry in truth(world)} == {"person", "organization"}
    assert all(entry["entity"] for entry in truth(world))


def test_the_clock_stands_at_the_start_and_moves_by_days(tmp_path):
    sandbox.create(tmp_path, size=500, seed=2)
    assert sandbox.clock_path(tmp_path).read_text() == "2026-11-02T08:00:00+00:00\n"
    sandbox.tick(tmp_path, days=3)
    assert sandbox.clock_path(tmp_path).read_text() == "2026-11-05T08:00:00+00:00\n"


def test_nothing_happens_in_the_future(rows):
    now = moments.to_ms(sandbox.world.START)
    assert all(row.created <= now and row.stamp <= now for each in rows.values() for row in each)
    assert all(row.created <= row.stamp for each in rows.values() for row in each)


def test_customers_exist_in_several_departments_and_twice_in_one(rows):
    systems, objects = defaultdict(set), Counter()
    for name in PARTIES:
        for row in rows[name]:
            systems[row.entity].add(name.split(".")[0])
            objects[row.entity, name] += 1
    assert sum(len(found) >= 2 for found in systems.values()) > 0.3 * len(systems)
    assert max(len(found) for found in systems.values()) == 4
    assert sum(count >= 2 for count in objects.values()) >= 20


def test_spellings_differ_and_stay_recognisable(rows):
    people = [row.data for row in rows["salesforce.Contact"]]
    texts = " ".join(str(person["Name"]) for person in people)
    assert re.search(r"\b(Bob|Rob|Bill|Mike|Tom|Jim|Andi|Matze|Kate|Pepe)\b", texts), "nicknames"
    assert re.search(r"\b[A-Z]\. ", texts), "initials"
    assert re.search(r"[äöüéèńłåß]", texts), "accents"
    emails = [str(person["Email"]) for person in people]
    assert any("+" in mail for mail in emails)
    assert any("gmail.com" in mail for mail in emails)
    companies = " ".join(str(row.data["Name"]) for row in rows["salesforce.Account"])
    assert re.search(r"\b(Limited|Incorporated|Corporation|G\.m\.b\.H\.)", companies)
    phones = Counter(re.sub(r"\d", "9", str(person["Phone"])) for person in people)
    assert len(phones) > 15
    placeholders = {str(person["Title"]) for person in people} & {"n/a", "TBD", "test", "-", "unknown", ".", "xxx"}
    assert placeholders


def test_colleagues_share_switchboards_and_mailboxes(rows):
    phones, mails = defaultdict(set), defaultdict(set)
    for row in [
        *rows["salesforce.Contact"],
        *rows["salesforce.Lead"],
        *rows["hubspot.contacts"],
        *rows["hubspot.companies"],
        *rows["stripe.customer"],
        *rows["zendesk.users"],
    ]:
        data = row.data.get("properties", row.data)
        digits = re.sub(r"\D", "", str(data.get("Phone") or data.get("phone") or ""))[-8:]
        mail = str(data.get("Email") or data.get("email") or "").lower()
        phones[digits].add(row.entity)
        mails[mail].add(row.entity)
    assert any(len(people) >= 3 for digits, people in phones.items() if len(digits) == 8)
    assert any(
        len(people) >= 2
        for mail, people in mails.items()
        if mail.startswith(("info@", "office@", "contact@", "billing@", "accounts@", "invoices@"))
    )


def test_twins_differ_where_it_counts(world):
    with store.opened(world) as db:
        facts = store.meta(db)
    groups = [sandbox.world.groups.members(facts["seed"], number) for number in range(facts["groups"])]
    relatives = [group.persons for group in groups if group.kind == "relatives"]
    branches = [group.orgs for group in groups if group.kind == "branches"]
    assert len(relatives) >= 5
    assert len(branches) >= 5
    for elder, younger in relatives:
        assert (elder.given, elder.family, elder.home) == (younger.given, younger.family, younger.home)
        assert elder.birth.year + 20 < younger.birth.year <= 2005
        assert not {elder.email, elder.mobile} & {younger.email, younger.mobile}
    for one, other in branches:
        assert one.name == other.name
        assert one.address.city != other.address.city
        assert one.domain != other.domain
    assert any(
        len({org.address.street for org in group.orgs}) == 1 < len(group.orgs)
        for group in groups
        if group.kind == "building"
    )


def test_two_customers_never_own_the_same_mail_address(rows):
    owners = defaultdict(set)
    for row in rows["stripe.customer"] + rows["salesforce.Contact"] + rows["zendesk.users"]:
        mail = str(row.data.get("email") or row.data.get("Email") or "").lower()
        if (
            "@" in mail
            and row.kind == "person"
            and not re.match(r"(info|office|accounts|billing|contact|invoices|none)@", mail)
        ):
            owners[mail].add(row.entity)
    assert all(len(found) == 1 for found in owners.values())


def test_opportunities_show_good_and_bad_conduct(rows):
    history = defaultdict(list)
    for row in rows["salesforce.OpportunityFieldHistory"]:
        history[row.data["OpportunityId"]].append(row.data)
    today = moments.date(moments.to_ms(sandbox.world.START))
    found = Counter()
    for row in rows["salesforce.Opportunity"]:
        data, changes = row.data, history[row.id]
        pushes = sum(change["Field"] == "CloseDate" and change["NewValue"] > change["OldValue"] for change in changes)
        found["pushed"] += pushes >= 3
        found["past close"] += not data["IsClosed"] and str(data["CloseDate"]) < today
        found["stale"] += not data["IsClosed"] and data["LastActivityDate"] is None
        found["missing"] += not data["IsClosed"] and (data["Amount"] is None or data["AccountId"] is None)
        found["placeholder"] += data["NextStep"] in ("n/a", "TBD", "test", "-", "unknown", ".", "xxx")
        found["same day"] += data["IsWon"] and data["CloseDate"] == data["CreatedDate"][:10]
        found["backdated"] += data["IsWon"] and str(data["CloseDate"]) < data["CreatedDate"][:10]
        found["won"] += data["IsWon"]
        found["lost"] += data["StageName"] == "Closed Lost"
        found["moved"] += any(change["Field"] == "StageName" for change in changes)
    assert all(
        found[kind]
        for kind in (
            "pushed",
            "past close",
            "stale",
            "missing",
            "placeholder",
            "same day",
            "backdated",
            "won",
            "lost",
            "moved",
        )
    ), found


def test_some_customers_pay_without_an_opportunity(rows):
    accounts = {row.id: row.entity for row in rows["salesforce.Account"]}
    sold = {accounts.get(row.data["AccountId"]) for row in rows["salesforce.Opportunity"]}
    customers = {row.id: row.entity for row in rows["stripe.customer"] if row.kind == "organization"}
    paid = {customers.get(row.data["customer"]) for row in rows["stripe.invoice"] if row.data["status"] == "paid"}
    assert (paid & set(accounts.values())) - sold - {None}


def test_finance_support_and_marketing_hold_every_kind(rows):
    now = moments.to_ms(sandbox.world.START) // 1_000
    invoices = [row.data for row in rows["stripe.invoice"]]
    assert {"open", "paid", "void"} <= {data["status"] for data in invoices}
    assert any(data["status"] == "open" and data["due_date"] < now for data in invoices), "overdue"
    assert any(row.data["amount_refunded"] for row in rows["stripe.charge"])
    assert {row.kind for row in rows["stripe.customer"]} == {"person", "organization"}
    tickets = [row.data for row in rows["zendesk.tickets"]]
    assert any("complaint" in data["tags"] for data in tickets)
    assert {"good", "bad"} <= {row.data["score"] for row in rows["zendesk.satisfaction_ratings"]}
    changes = {change["change"] for row in rows["hubspot.subscription_change"] for change in row.data["changes"]}
    assert changes == {"SUBSCRIBED", "UNSUBSCRIBED"}
    assert {"SENT", "OPEN", "CLICK", "BOUNCE"} <= {row.data["type"] for row in rows["hubspot.email_event"]}
    assert any(row.data["IsConverted"] for row in rows["salesforce.Lead"])
    assert rows["salesforce.CampaignMember"]
    assert rows["hubspot.deals"]


def test_rows_are_deleted_and_merged_at_the_source(rows):
    assert any(row.data["MasterRecordId"] for row in rows["salesforce.Account"] + rows["salesforce.Contact"])
    assert any(row.deleted and not row.data["MasterRecordId"] for row in rows["salesforce.Contact"])
    assert any(row.deleted == 2 for row in rows["hubspot.contacts"] + rows["hubspot.companies"])
    assert any(row.deleted == 1 for row in rows["hubspot.contacts"])
    assert any(row.deleted for row in rows["stripe.customer"])


def test_a_handful_of_rows_do_not_fit_their_schema(rows):
    bad = [
        row for row in rows["salesforce.Account"] if row.data["Name"] is None or row.data["CreatedDate"] == "yesterday"
    ]
    bad += [row for row in rows["zendesk.tickets"] if row.data["status"] == 7 or row.data["created_at"] == "yesterday"]
    bad += [
        row for row in rows["stripe.invoice"] if row.data["currency"] is None or not isinstance(row.data["total"], int)
    ]
    bad += [row for row in rows["stripe.charge"] if row.data["amount"] is None]
    bad += [row for row in rows["hubspot.contacts"] if row.data["properties"]["createdate"] == "yesterday"]
    bad += [
        row
        for row in rows["salesforce.Opportunity"]
        if row.data["StageName"] is None or isinstance(row.data["Amount"], str)
    ]
    assert 1 <= len(bad) <= 25


def test_a_day_changes_a_little_everywhere_and_the_truth_stays_complete(tmp_path):
    sandbox.create(tmp_path, size=3_000, seed=8)
    before = _state(tmp_path)
    for _ in range(3):
        sandbox.tick(tmp_path)
    after = _state(tmp_path)
    new = after.keys() - before.keys()
    changed = {key for key in before if before[key] != after[key]}
    assert 0.02 < (len(new) + len(changed)) / len(before) < 0.12
    assert {name for name, _ in new} >= {
        "salesforce.OpportunityFieldHistory", "salesforce.CampaignMember", "hubspot.email_event", "hubspot.subscription_change",
        "zendesk.tickets", "zendesk.satisfaction_ratings", "stripe.invoice", "stripe.charge", "stripe.event",
    }  # fmt: skip
    assert {name for name, _ in changed} >= {
        "salesforce.Opportunity",
        "stripe.invoice",
        "zendesk.tickets",
        "hubspot.contacts",
    }
    gone = {key for key in changed if after[key][0] and not before[key][0]}
    assert len(gone) >= 3, "deletes and merges"
    parties = {(name, id_) for name, id_ in after if name in PARTIES}
    known = {
        (f"{entry['source']}.{entry['stream']}".replace("stripe.customers", "stripe.customer"), entry["source_id"])
        for entry in truth(tmp_path)
    }
    assert known == parties
    assert len(parties & new) >= 3


def _state(folder) -> dict[tuple[str, str], tuple[int, str]]:
    with store.opened(folder) as db:
        return {
            (name, id_): (deleted, text)
            for name, id_, deleted, text in db.execute("SELECT object, id, deleted, json FROM record")
        }


def test_stored_rows_agree_with_what_they_say_of_themselves(rows):
    for name in ("Account", "Contact", "Lead", "Opportunity"):
        for row in rows[f"salesforce.{name}"]:
            assert row.data["SystemModstamp"] == moments.salesforce(row.stamp)
            assert row.data["IsDeleted"] == bool(row.deleted)
    for row in rows["zendesk.tickets"]:
        assert row.data["generated_timestamp"] == row.stamp // 1_000
    for row in rows["hubspot.contacts"]:
        assert row.deleted or row.data["properties"]["lastmodifieddate"] == moments.hubspot(row.stamp)


def test_a_tick_without_a_world_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match="onerecord sandbox create"):
        sandbox.tick(tmp_path)


def test_the_file_is_a_sqlite_database_that_survives_a_reader(world):
    with sqlite3.connect(store.path(world)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert json.loads(db.execute("SELECT json FROM record LIMIT 1").fetchone()[0])


def test_sales_and_marketing_say_which_companies_belong_to_others_and_so_does_the_truth(world, rows):
    parents = {entry["entity"]: entry["parent"] for entry in truth(world)}
    entities = {row.id: row.entity for name in ("salesforce.Account", "hubspot.companies") for row in rows[name]}
    said = Counter()
    for row in rows["salesforce.Account"] + rows["hubspot.companies"]:
        above = row.data.get("ParentId") or row.data.get("properties", {}).get("hs_parent_company_id")
        if above:
            said[row.object] += 1
            assert entities[above] == parents[row.entity]
    assert said["salesforce.Account"] >= 3, said
    assert said["hubspot.companies"] >= 1, said
    assert all(parents[above] == "" for above in parents.values() if above), "no company belongs to itself in a circle"
