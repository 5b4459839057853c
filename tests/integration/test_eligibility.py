"""Contact eligibility on what is stored: which facts count, of whom, and what was known at a moment."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from hub.db.tables import canonical
from hub.eligibility import ask, facts, freshness
from hub.eligibility.question import Purpose, Question, Rule, Verdict
from hub.eligibility.rules import Now
from hub.eligibility.settings import EligibilitySettings
from hub.model.kinds import Channel, Department
from tests.integration.golden_world import DEPARTMENTS, NOW, World, day, golden

EMAIL = Question(Channel.EMAIL, Purpose.MARKETING)
LIMITS = EligibilitySettings()
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def world(db):
    made = World(db)
    for source in DEPARTMENTS:
        made.party(f"{source}:all:0")
        read(made, source, "all", NOW)
    return made


def read(world, source, stream, at, error=None):
    """The source was read at this moment of its own world."""
    run = uuid.uuid4().hex
    with world.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO ops.run (run_id, as_of, finished_at) VALUES (:run, :at, now())"), {"run": run, "at": at}
        )
        connection.execute(
            text(
                """INSERT INTO landing.sync_run (run_id, source, stream, finished_at, error)
                   VALUES (:run, :source, :stream, now(), :error)"""
            ),
            {"run": run, "source": source, "stream": stream, "error": error},
        )


def person(world, number, *more):
    """A customer of a marketing contact that consented, and of `more` records."""
    own = world.party(f"mail:contacts:{number}", kind="person", country="DE")
    world.consent(f"mail:consents:{number}", own, "granted", day(-400))
    return world.customer(number, [own, *more], "person")


def asked(world, *ids, question=EMAIL, at=NOW, settings=LIMITS):
    with world.engine.connect() as connection:
        return [told.answer for told in ask.ask(connection, ids, question, settings, at)]


def asked_of(then, world, *ids, question):
    """What would have been answered at a moment that is over."""
    with world.engine.connect() as connection:
        known = facts.read(connection, ids, RARELY, then)
        return [told.answer for told in ask.answers(ids, known, question, Now(then, RARELY, known.stale, NOW))]


def one(world, golden_id, **given):
    return asked(world, golden_id, **given)[0]


def evidence(answer):
    return {record.ref for finding in answer.findings if finding.rule == answer.reason for record in finding.evidence}


def gone(world, table, ref):
    with world.engine.begin() as connection:
        connection.execute(text(f"UPDATE canonical.{table} SET deleted_at = now() WHERE ref = :ref"), {"ref": ref})


def ticket(world, ref, party, created, solved=None, **given):
    given = {"status": "solved" if solved else "open", "is_complaint": True, "solved_at": solved} | given
    return world.fact(canonical.Ticket, ref, party, source_created_at=created, **given)


def touch(world, ref, party, at, outcome="sent", channel="email", campaign=None):
    return world.fact(canonical.Touch, ref, party, channel=channel, campaign=campaign, outcome=outcome, touched_at=at)


def hold(world, kind, party, at):
    """A fact of `at` that keeps contacts back: its rule, its table, its ref."""
    serial = uuid.uuid4().hex
    if kind == "complaint":
        return Rule.COMPLAINT, "ticket", ticket(world, f"desk:tickets:{serial}", party, at)
    if kind == "bad rating":
        closed = ticket(world, f"desk:tickets:{serial}", party, at - SECOND, at, is_complaint=False)
        rated = world.fact(
            canonical.Rating, f"desk:ratings:{serial}", None, ticket_ref=closed, score="bad", rated_at=at
        )
        return Rule.BAD_RATING, "rating", rated
    if kind == "subscription":
        given = {"status": "active", "product": "Cranes", "started_at": at}
        return Rule.PURCHASE, "subscription", world.fact(canonical.Subscription, f"bank:subs:{serial}", party, **given)
    if kind == "invoice":
        return Rule.PURCHASE, "invoice", world.invoice(f"bank:invoices:{serial}", party, "9.00", issued_at=at)
    if kind == "payment":
        given = {"status": "succeeded", "currency": "EUR", "amount": 9, "refunded": 0, "paid_at": at}
        return Rule.PURCHASE, "payment", world.fact(canonical.Payment, f"bank:payments:{serial}", party, **given)
    if kind == "declined":
        return Rule.DECLINED, "touch", touch(world, f"mail:events:{serial}", party, at, "declined", "post")
    if kind == "lost":
        lost = world.opportunity(f"crm:Opportunity:{serial}", None, contact_ref=party, status="lost", closed_at=at)
        return Rule.DECLINED, "opportunity", lost
    if kind == "reply":
        return Rule.REPLY, "touch", touch(world, f"mail:events:{serial}", party, at, "responded", "event")
    return Rule.FREQUENCY, "touch", touch(world, f"mail:events:{serial}", party, at)


KINDS = ("complaint", "bad rating", "subscription", "invoice", "payment", "declined", "lost", "reply", "touch")


def test_each_kind_of_fact_holds_back_names_its_record_and_releases_with_it(world):
    """Also where it is another record's of the same customer."""
    made = {}
    for number, kind in enumerate(KINDS, 1):
        other = world.party(f"desk:users:{number}", kind="person")
        made[person(world, number, other)] = hold(world, kind, other, day(-2))
    ids = list(made)
    for (rule, table, ref), answer in zip(made.values(), asked(world, *ids), strict=True):
        assert answer.verdict != Verdict.ALLOW
        assert (answer.reason, evidence(answer)) == (rule, {ref})
        gone(world, table, ref)
    assert {answer.verdict for answer in asked(world, *ids)} == {Verdict.ALLOW}


def test_a_complaint_of_an_organization_counts_for_it_and_a_renewal_is_no_purchase(world):
    company = world.party("mail:contacts:1")
    world.consent("mail:consents:1", company, "granted", day(-400))
    world.customer(1, [company])
    world.fact(canonical.Subscription, "bank:subs:1", company, status="active", product="Cranes", started_at=day(-300))
    world.invoice("bank:invoices:1", company, "9.00", issued_at=day(-2))
    assert one(world, golden(1)).verdict == Verdict.ALLOW
    ticket(world, "desk:tickets:1", None, day(-2), organization_ref=company)
    assert one(world, golden(1)).reason == Rule.COMPLAINT


def test_an_invoice_is_overdue_until_it_is_paid(world):
    known = person(world, 1)
    due = {"issued_at": day(-60), "due_at": day(-30)}
    world.invoice("bank:invoices:1", "mail:contacts:1", "9.00", **due)
    upsell = Question(Channel.EMAIL, Purpose.UPSELL)
    assert one(world, known, question=upsell).reason == Rule.OVERDUE
    assert one(world, known, question=Question(Channel.EMAIL, Purpose.COLLECTIONS)).verdict == Verdict.ALLOW
    paid = due | {"status": "paid", "paid": "9.00", "remaining": "0.00", "paid_at": day(-1)}
    world.invoice("bank:invoices:1", "mail:contacts:1", "9.00", **paid)
    assert one(world, known, question=upsell).verdict == Verdict.ALLOW
    assert one(world, known, question=upsell, at=day(-1) - SECOND).verdict == Verdict.DENY


def test_an_old_id_is_answered_for_its_survivor_and_others_for_nobody(world):
    person(world, 1)
    world.party("crm:Contact:1", kind="person")
    world.customer(2, ["crm:Contact:1"], "person")
    world.merge(2, 1, ["crm:Contact:1"])
    with world.engine.connect() as connection:
        old, never = ask.ask(connection, [golden(2), golden(99)], EMAIL, LIMITS, NOW)
    assert (old.golden_id, old.answer.verdict) == (golden(1), Verdict.ALLOW)
    assert (never.golden_id, never.answer.reason) == (None, Rule.UNKNOWN)


def test_a_record_that_was_deleted_reaches_nobody(world):
    known = person(world, 1, world.party("crm:Contact:1", kind="person"))
    gone(world, "party", "mail:contacts:1")
    assert one(world, known).reason == Rule.CONSENT


def test_many_are_answered_as_one_by_one(world):
    for number, kind in enumerate(KINDS, 1):
        known = person(world, number)
        hold(world, kind, f"mail:contacts:{number}", day(-number))
        assert known == golden(number)
    ids = [golden(number) for number in range(12)]
    for purpose in Purpose:
        question = Question(Channel.EMAIL, purpose)
        together = asked(world, *ids, ids[1], question=question)
        assert together == [one(world, golden_id, question=question) for golden_id in [*ids, ids[1]]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ask, "CHUNK", 7)
        assert asked(world, *ids) == [one(world, golden_id) for golden_id in ids]


def test_a_customer_is_told_all_at_once_as_by_single_questions(world):
    known = person(world, 1)
    hold(world, "reply", "mail:contacts:1", day(-1))
    with world.engine.connect() as connection:
        table = ask.everything(connection, known, LIMITS, NOW)
    assert len(table) == len(Purpose) * len(Channel)
    for (purpose, channel), answer in table.items():
        assert answer == one(world, known, question=Question(channel, purpose))


def stale(world, at=NOW, **given):
    with world.engine.connect() as connection:
        return freshness.stale(connection, EligibilitySettings(**given), at)


def test_a_withdrawal_that_a_wrong_clock_dates_into_the_future_denies_at_once(world):
    known = person(world, 1)
    assert one(world, known).verdict == Verdict.ALLOW
    world.consent("mail:consents:wrong", "mail:contacts:1", "withdrawn", day(365))
    answer = one(world, known)
    assert (answer.reason, evidence(answer)) == (Rule.OBJECTION, {"mail:consents:wrong"})


def test_what_was_not_read_well_for_a_day_denies(world):
    known = person(world, 1)
    last = NOW + dt.timedelta(hours=24)
    assert one(world, known, at=last).verdict == Verdict.ALLOW
    assert one(world, known, at=last + SECOND).reason == Rule.STALE
    for source in ("crm", "bank", "mail"):
        read(world, source, "all", last)
    read(world, "desk", "all", last, error="desk/all: refused")
    answer = one(world, known, at=last + SECOND)
    assert (answer.reason, answer.findings[0].departments) == (Rule.STALE, (Department.SUPPORT,))
    read(world, "desk", "all", last)
    assert one(world, known, at=last + SECOND).verdict == Verdict.ALLOW


def test_one_stream_that_is_late_makes_its_department_stale(world):
    assert stale(world) == frozenset()
    read(world, "desk", "tickets", NOW, error="desk/tickets: refused")
    assert stale(world) == {Department.SUPPORT}
    assert stale(world, ignored_streams=["desk/tickets"]) == frozenset()


def test_a_department_that_was_never_read_is_stale(db):
    assert stale(World(db)) == frozenset(Department)


def test_what_was_read_but_waits_to_be_conformed_is_not_known_yet(world):
    """A run that lands and fails then must not pass for a fresh reading, however often it does."""
    with world.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO landing.watermark (source, stream, cursor, conformed_sync)
                   SELECT source, stream, '{}', sync_run_id FROM landing.sync_run WHERE source = 'desk'"""
            )
        )
        connection.execute(text("INSERT INTO landing.to_conform VALUES ('desk', 'all', '1')"))
    later = NOW + dt.timedelta(hours=25)
    for source in DEPARTMENTS:
        read(world, source, "all", later)
    assert stale(world, at=NOW) == frozenset()
    assert stale(world, at=later) == {Department.SUPPORT}
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM landing.to_conform"))
    assert stale(world, at=later) == frozenset()


def test_a_source_of_which_nothing_ever_came_may_be_of_any_department(world):
    read(world, "desk2", "all", NOW, error="desk2/all: refused")
    assert stale(world) == frozenset(Department)
    assert stale(world, ignored_streams=["desk2/all"]) == frozenset()
    read(world, "desk2", "all", NOW)
    assert stale(world) == frozenset(), "it is read well, and has nothing"


@pytest.mark.parametrize("ref", ["mail:contacts:1", "mail:consents:1", "desk:tickets:1"])
def test_a_record_that_came_again_and_does_not_fit_denies(world, ref):
    """Its withdrawal may be in what does not fit; what is stored is what it said before."""
    known = person(world, 1)
    ticket(world, "desk:tickets:1", "mail:contacts:1", day(-90), day(-80))
    assert one(world, known).verdict == Verdict.ALLOW
    with world.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO landing.quarantine (source, stream, source_id, stage, reason)
                   SELECT split_part(:ref, ':', 1), split_part(:ref, ':', 2), split_part(:ref, ':', 3), 'conform', 'no'"""
            ),
            {"ref": ref},
        )
    answer = one(world, known)
    assert (answer.verdict, answer.reason, evidence(answer)) == (Verdict.DENY, Rule.STALE, {ref})
    assert one(world, known, question=Question(Channel.EMAIL, Purpose.COLLECTIONS)).verdict == Verdict.ALLOW
    gone(world, {"contacts": "party", "consents": "consent", "tickets": "ticket"}[ref.split(":")[1]], ref)
    assert one(world, known).reason != Rule.STALE, "nobody can mend at its source what is gone there"


def test_a_customer_of_whom_no_record_is_left_is_contacted_for_nothing(world):
    known = person(world, 1)
    gone(world, "party", "mail:contacts:1")
    for purpose in Purpose:
        answer = one(world, known, question=Question(Channel.POST, purpose), settings=RARELY)
        assert (answer.verdict, answer.reason) == (Verdict.DENY, Rule.UNKNOWN)


def by_mailbox(world, number, status, at, party=None):
    """What a marketing source knows of the mailbox ann@lee.example, of whose owner it may have no record."""
    return world.consent(f"lists:consents:{number}", party, status, at, mailbox="ann@lee.example")


def test_what_a_mailbox_withdrew_holds_for_every_record_that_has_it(world):
    """Its own source may know no contact with it, or another customer; other records are mailed at the same address."""
    known, other = person(world, 1), person(world, 2)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE canonical.party SET email = 'Ann@Lee.example' WHERE source_id = '1'"))
    said = by_mailbox(world, 1, "withdrawn", day(-9))
    assert [(answer.reason, evidence(answer)) for answer in asked(world, known, other)] == [
        (Rule.OBJECTION, {said}),
        (None, set()),
    ]
    again = by_mailbox(world, 2, "withdrawn", day(-9), "mail:contacts:2")
    assert [(answer.reason, evidence(answer)) for answer in asked(world, known, other)] == [
        (Rule.OBJECTION, {again})
    ] * 2
    touch(world, "mail:events:1", "mail:contacts:1", day(-10))
    touch(world, "mail:events:2", "mail:contacts:1", day(-8))
    reported = {(row["touch_ref"], row["rule"]) for row in leaked(world, golden_id=known)}
    assert reported == {("mail:events:2", Rule.OBJECTION)}
    assert [(one["status"], one["ref"]) for one in world.composed(1)["consents"]] == [("withdrawn", again)]


def test_a_mailbox_that_consents_again_is_permitted_from_then_on_and_permits_nobody_else(world):
    known = person(world, 1)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE canonical.party SET email = 'ann@lee.example' WHERE source_id IN ('0', '1')"))
    world.customer(2, ["crm:all:0"])
    by_mailbox(world, 1, "withdrawn", day(-9))
    again = by_mailbox(world, 2, "granted", day(-5))
    assert one(world, known, at=day(-6)).reason == Rule.OBJECTION
    assert one(world, known, at=day(-5)).verdict == Verdict.ALLOW
    assert one(world, golden(2)).reason == Rule.CONSENT
    gone(world, "consent", again)
    assert one(world, known).reason == Rule.OBJECTION, "the permission was taken back"


def test_only_the_mailbox_itself_ends_its_withdrawal(world):
    """A consent that the record gave by another address, later, is none of this one."""
    known = person(world, 1)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE canonical.party SET email = 'ann@lee.example' WHERE source_id = '1'"))
    for number, tied in ((1, None), (2, "mail:contacts:1")):
        said = by_mailbox(world, number, "withdrawn", day(-9), tied)
        world.consent(f"lists:consents:other{number}", "mail:contacts:1", "granted", day(-5), mailbox="bob@lee.example")
        (answer,) = asked(world, known)
        assert (answer.reason, evidence(answer)) == (Rule.OBJECTION, {said})
        told = [one.ref for finding in answer.findings for one in finding.evidence]
        assert told.count(said) == 1
        with world.engine.begin() as connection:
            connection.execute(text("DELETE FROM canonical.consent WHERE ref LIKE 'lists:%'"))


def test_a_permission_of_a_mailbox_counts_as_long_as_it_can_be_read_and_for_what_was_done_meanwhile(world):
    known = person(world, 1)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE canonical.party SET email = 'ann@lee.example' WHERE source_id = '1'"))
    by_mailbox(world, 1, "withdrawn", day(-20))
    again = by_mailbox(world, 2, "granted", day(-10))
    touch(world, "mail:events:1", "mail:contacts:1", day(-15))
    touch(world, "mail:events:2", "mail:contacts:1", day(-9))
    assert one(world, known, settings=RARELY).verdict == Verdict.ALLOW
    with world.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO landing.quarantine (source, stream, source_id, stage, reason)
                   VALUES ('lists', 'consents', '2', 'conform', 'no')"""
            )
        )
    assert one(world, known, settings=RARELY).reason == Rule.OBJECTION, "nobody knows what it says now"
    gone(world, "consent", again)
    assert {row["touch_ref"] for row in leaked(world)} == {"mail:events:1"}


def leaked(world, **given):
    """What is reported once everybody is composed anew."""
    world.changed([row["ref"] for row in world.rows("SELECT ref FROM canonical.party")])
    world.compose()
    rows = world.rows("SELECT * FROM golden.contact_leak ORDER BY touch_ref, rule")
    return [row for row in rows if all(row[name] == value for name, value in given.items())]


def test_a_leak_names_the_touch_the_rule_and_the_record(world):
    known = person(world, 1)
    rule, _, ref = hold(world, "complaint", "mail:contacts:1", day(-9))
    touch(world, "mail:events:1", "mail:contacts:1", day(-8))
    (row,) = leaked(world)
    assert row == {
        "golden_id": known, "touch_ref": "mail:events:1", "department": "marketing", "channel": "email",
        "campaign": None, "touched_at": day(-8), "week": dt.date(2026, 5, 18), "rule": rule, "evidence_ref": ref,
        "evidence_department": "support", "evidence_at": day(-9),
    }  # fmt: skip


def test_a_touch_is_judged_by_what_was_true_at_its_moment(world):
    """What came later, or was over before, accuses nobody; nor does the reply to the touch itself."""
    person(world, 1)
    known = "mail:contacts:1"
    touch(world, "mail:events:1", known, day(-50), campaign="Spring")
    touch(world, "mail:events:2", known, day(-50) + SECOND, "delivered", campaign="Spring")
    touch(world, "mail:events:3", known, day(-49), "responded", campaign="Spring")
    ticket(world, "desk:tickets:1", known, day(-49))
    ticket(world, "desk:tickets:2", known, day(-90), day(-57))
    world.consent("mail:consents:later", known, "withdrawn", day(-49))
    assert leaked(world) == []
    touch(world, "mail:events:4", known, day(-48), campaign="Autumn")
    assert {row["rule"] for row in leaked(world, touch_ref="mail:events:4")} == {
        "complaint",
        "consent",
        "objection",
        "reply",
    }


def test_a_permission_that_was_given_then_excuses_although_it_is_gone(world):
    person(world, 1)
    touch(world, "mail:events:1", "mail:contacts:1", NOW)
    gone(world, "consent", "mail:consents:1")  # deleted by the clock of the database, which is later
    assert leaked(world) == []
    assert one(world, golden(1)).reason == Rule.CONSENT


DAYS = range(0, 90, 3)
RARELY = EligibilitySettings(emails_per_week=100, stale_hours=100 * 24)


def mailed(world, number):
    """Every third day a mail to this person, each of a campaign of its own."""
    with world.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO canonical.touch (ref, source, stream, source_id, party_ref, channel, campaign, outcome, touched_at)
                   SELECT 'mail:events:' || :number || '-' || n, 'mail', 'events', :number || '-' || n,
                          'mail:contacts:' || :number, 'email', 'Mail ' || n, 'sent', :first + make_interval(days => n)
                   FROM unnest(CAST(:days AS int[])) AS day (n)"""
            ),
            {"number": str(number), "first": day(-90), "days": list(DAYS)},
        )


def never_was(world, table, ref):
    with world.engine.begin() as connection:
        connection.execute(text(f"DELETE FROM canonical.{table} WHERE ref = :ref"), {"ref": ref})


def replayed(world, ids):
    """Day by day what would have been answered for the mail of that day: by the touch."""
    told = {}
    for n in DAYS:
        question = Question(Channel.EMAIL, Purpose.MARKETING, offer=f"Mail {n}")
        answers = asked_of(day(-90) + dt.timedelta(days=n), world, *ids, question=question)
        told |= {f"mail:events:{number}-{n}": answer for number, answer in enumerate(answers, 1)}
    return told


def test_ninety_days_of_touches_are_denied_while_something_holds_and_the_record_flips_the_answer(world):
    """Each touch that leaked is one that would have been denied, by the same rule and record, and no other is."""
    held = {}
    for number, kind in enumerate([*KINDS[:-1], "objection", "silence"], 1):
        party = f"mail:contacts:{number}"
        known = person(world, number)
        mailed(world, number)
        if kind == "objection":
            taken_back = world.consent(f"mail:consents:x{number}", party, "withdrawn", day(-60))
            held[known] = Rule.OBJECTION, "consent", taken_back
        elif kind == "silence":
            never_was(world, "consent", f"mail:consents:{number}")
            held[known] = Rule.CONSENT, None, None
        else:
            held[known] = hold(world, kind, party, day(-60))
    told = replayed(world, list(held))
    denied = {ref: answer.reason for ref, answer in told.items() if answer.verdict != Verdict.ALLOW}
    rows = [
        row
        for row in leaked(world)
        if row["rule"] != "consent" or row["touch_ref"].startswith(f"mail:events:{len(held)}-")
    ]
    assert {row["touch_ref"]: row["rule"] for row in rows} == denied
    assert set(denied.values()) == {rule for rule, _, _ in held.values()}
    for row in rows:
        assert evidence(told[row["touch_ref"]]) == ({row["evidence_ref"]} if row["evidence_ref"] else set())
    for _, table, ref in held.values():
        if table:
            never_was(world, table, ref)
    again = replayed(world, list(held))
    assert {ref for ref, answer in again.items() if answer.verdict != Verdict.ALLOW} == {
        ref for ref, rule in denied.items() if rule == Rule.CONSENT
    }
