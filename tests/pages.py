"""The pages of the app, furnished: an address of each that shows something, for those who look at all of them."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, text

from hub import clock, figures
from hub.access import Principal, Scope
from hub.coach import answers, flags, following, owners
from hub.decide import carrying, decision
from hub.eligibility import leaks
from hub.identity import blind, ledger
from hub.identity.resolve import resolve
from hub.model.kinds import Department, Verdict
from hub.progress import silent
from hub.sections.review import ReviewSettings, TwoPeopleSettings
from hub.sections.trends import TrendsSettings
from hub.settings import Settings
from tests.webworld import Hub

ADMIN = Principal("olga", frozenset({Scope.ADMIN}))
HERO = "crm:Contact:1"
TWO_PEOPLE = ReviewSettings(two_people_above=TwoPeopleSettings(records=1))


def furnish(hub: Hub) -> dict[str, str]:
    """Let people have worked for a while, the admin among them; gives an address of every page, by what it is called."""
    hub.account("admin", name=ADMIN.name)
    with hub.engine.begin() as connection:
        _figures(connection)
        judgement = _judgements(connection)
        _blind_answers(connection)
        _wait_together(connection)
        leak(connection, hub.settings)
        _checks(connection)
        _deals(connection, hub.settings)
    resolve(hub.engine, run_id="run-3", progress=silent)
    act = _merge(hub, hub.settings, "crm:Contact:100", "crm:Contact:120").act_id
    careful = hub.settings.model_copy(update={"review": TWO_PEOPLE})
    proposal = _merge(hub, careful, "crm:Contact:140", "crm:Contact:160").proposal_id
    return _addresses(hub, judgement, act, proposal)


def _addresses(hub: Hub, judgement: int, act: int | None, proposal: int | None) -> dict[str, str]:
    hero = f"/customers/{hub.golden_id(HERO)}"
    a, b = hub.scalar("SELECT party_a || ' ' || party_b FROM identity.waiting_pair ORDER BY stake DESC LIMIT 1").split()
    member = hub.scalar("SELECT party_a FROM identity.waiting_pair WHERE records > 2 ORDER BY 1 LIMIT 1")
    quarantined = hub.scalar("SELECT min(quarantine_id) FROM landing.quarantine")
    flag = hub.scalar("SELECT flag_id FROM quality.flag WHERE rule = 'past_close_date'")
    hidden = hub.scalar("SELECT flag_id FROM quality.flag WHERE rule = 'hidden_sale'")
    return {
        "sign-in": "/sign-in",
        "overview": "/",
        "queue": "/review",
        "queue-filtered": "/review?sort=impact&least=40&department=finance",
        "queue-empty": "/review?q=nobody",
        "compare": f"/review/{a}/{b}",
        "together": f"/review/together/{member}",
        "history": "/review/history?by=all",
        "undo": f"/review/history/{judgement}/undo",
        "conflicts": "/review/conflicts",
        "merge": "/review/merge",
        "acts": "/review/acts",
        "undo-act": f"/review/acts/{act}/undo",
        "proposals": "/review/proposals",
        "proposal": f"/review/proposals/{proposal}",
        "trends": "/trends?days=28",
        "trends-by-week": "/trends?department=finance&days=364",
        "silo": "/trends/silo",
        "benefit": "/trends/benefit",
        "dashboard": "/dashboard",
        "blind": "/dashboard/blind",
        "model": "/model",
        "customers": "/customers",
        "customer": hero,
        "timeline": f"{hero}/timeline",
        "as-of": f"{hero}/as-of?version=1",
        "facts": f"{hero}/facts/sales",
        "values": f"{hero}/values/phone",
        "split": f"{hero}/split",
        "contact": "/contact/leaks",
        "flags": "/flags",
        "flags-answered": "/flags?answered=true",
        "flag": f"/flags/{flag}",
        "flags-department": "/flags/department",
        "flag-customer": f"/flags/{hidden}",
        "team": "/flags/team",
        "rules": "/flags/rules",
        "quarantine": "/quarantine",
        "quarantined-row": f"/quarantine/{quarantined}",
        "checks": "/checks",
        "checks-held": "/checks?run=held",
        "check": "/checks/landing/stream_volume",
        "people": "/people",
        "person": "/people/olga",
        "account": "/account",
        "audit": "/audit",
        "not-found": "/nowhere",
    }


def _figures(connection: Connection) -> None:
    """Two months of days, so that lines are lines."""
    now = dt.datetime.now(dt.UTC)
    for days in range(60, -1, -1):
        figures.keep(connection, now - dt.timedelta(days=days), TrendsSettings())
    connection.execute(
        text(
            """UPDATE quality.daily_figure SET value = value + (CURRENT_DATE - day) / 3 + (CURRENT_DATE - day) % 4
               WHERE name IN ('waiting', 'duplicates') AND day < CURRENT_DATE"""
        )
    )


def leak(connection: Connection, settings: Settings) -> None:
    """Somebody with an open complaint was mailed every week of the last seven."""
    connection.execute(
        text(
            """INSERT INTO canonical.touch (ref, source, stream, source_id, party_ref, channel, campaign, outcome, touched_at)
               SELECT 'newsletter:events:leak' || n, 'newsletter', 'events', 'leak' || n, :hero, 'email',
                      'Harbour news ' || n, 'sent', now() - make_interval(weeks => n)
               FROM generate_series(0, 6) AS n"""
        ),
        {"hero": HERO},
    )
    connection.execute(text("CREATE TEMP TABLE composing ON COMMIT DROP AS SELECT golden_id FROM golden.customer"))
    leaks.heed(connection, settings.eligibility)
    leaks.judge(connection)


def _checks(connection: Connection) -> None:
    """Three runs, of which the last is held by two checks."""
    connection.exec_driver_sql(
        """INSERT INTO ops.run (run_id, as_of, started_at) VALUES
                   ('fine', now(), now() + interval '1 hour'), ('again', now(), now() + interval '2 hours'),
                   ('held', now(), now() + interval '3 hours');
               INSERT INTO quality.check_result (run_id, suite, name, severity, passed, checked, failed, description,
                   looks_at, waivable, state, as_of, checked_at)
               SELECT run_id, suite, name, severity, run_id <> 'held' AND severity = 'critical', 200,
                      CASE WHEN run_id <> 'held' AND severity = 'critical' THEN 0 ELSE 2 END,
                      'what must hold of every row', 'landing.source_record', waivable, 's', as_of, started_at
               FROM ops.run, (VALUES ('landing', 'stream_volume', 'critical', true),
                   ('golden', 'different_not_bridged', 'critical', false), ('golden', 'email_shape', 'warning', true))
                   AS check_of (suite, name, severity, waivable) WHERE run_id IN ('fine', 'again', 'held');
               INSERT INTO quality.failing_row SELECT check_result_id, place, 'crm:Contact:' || place
               FROM quality.check_result, generate_series(1, 2) place WHERE NOT passed"""
    )


def _judgements(connection: Connection) -> int:
    said = [Verdict.SAME, Verdict.SAME, Verdict.DIFFERENT, Verdict.UNSURE]
    for number in range(8, 20):
        refs = f"crm:Contact:{number}", f"billing:customers:{number}"
        last = ledger.judge(connection, *refs, said[number % 4], author=ADMIN.name, reason="asked them by telephone")
    return last


def _blind_answers(connection: Connection) -> None:
    departments = [one.value for one in Department]
    blind.draw(connection, "zoe", departments)
    for number in range(15):
        waiting = blind.waiting(connection, "zoe", departments)
        if waiting is not None:
            answer = Verdict.DIFFERENT if number % 8 == 7 else Verdict.SAME
            blind.answer(connection, waiting.sample_id, answer, author="zoe")


def _deals(connection: Connection, settings: Settings) -> None:
    """The admin owns the deals, has answered one flag, and finds a muted rule."""
    as_of = clock.as_of(settings)
    connection.execute(
        text(
            """INSERT INTO quality.flag (opportunity_ref, golden_id, department, rule, severity, evidence, first_seen,
                   last_seen, raised_at, shared_from)
               SELECT ref, golden_id, department, rule, 'warning', evidence, :as_of, :as_of, :as_of, :today FROM (VALUES
                   ('crm:Opportunity:2', NULL, NULL, 'backdated', CAST('{}' AS jsonb)),
                   (NULL, (SELECT min(golden_id::text)::uuid FROM golden.customer WHERE kind = 'organization'), NULL,
                    'hidden_sale', '{"records": ["billing:invoices:1"], "count": 1}'),
                   (NULL, NULL, 'sales', 'late_wins', '{"share": 0.4}')) f (ref, golden_id, department, rule, evidence)"""
        ),
        {"as_of": as_of, "today": as_of.date()},
    )
    owners.own(connection, ADMIN.name, "crm", "U1", actor="olga")
    following.follow(connection, settings.coach, as_of)
    flag = flags.own(connection, ADMIN.name, as_of.date(), answered=False, cursor=None).items[-1]
    answers.answer(
        connection, flag.flag_id, "fixed", who=ADMIN, fingerprint=flag.fingerprint, coach=settings.coach,
        as_of=as_of,
    )  # fmt: skip
    connection.execute(text("INSERT INTO quality.rule_mute (rule, answers, wrong) VALUES ('backdated', 12, 5)"))


def _wait_together(connection: Connection) -> None:
    """Two waiting pairs become four records that wait together."""
    connection.execute(
        text(
            """WITH chosen AS (
                   SELECT least(a.party_id, b.party_id) AS party_a, greatest(a.party_id, b.party_id) AS party_b
                   FROM canonical.party a CROSS JOIN canonical.party b
                   WHERE a.ref = 'crm:Contact:3' AND b.ref = 'billing:customers:4'
               ), paired AS (
                   INSERT INTO identity.pair (party_a, party_b, kind, band, weight, probability, blocking_rule, model_version)
                   SELECT party_a, party_b, 'person', 'review', 1.0, 0.41, 'family_name+postcode',
                          (SELECT version FROM identity.match_model WHERE kind = 'person')
                   FROM chosen ON CONFLICT (party_a, party_b) DO UPDATE SET band = 'review'
               )
               INSERT INTO identity.to_resolve SELECT unnest(ARRAY[party_a, party_b]) FROM chosen ON CONFLICT DO NOTHING"""
        )
    )


def _merge(hub: Hub, settings: Settings, *refs: str) -> Any:
    with hub.engine.begin() as connection:
        wanted = decision.merge(connection, refs, author=ADMIN.name, reason="one household account")
    seen = carrying.preview(hub.engine, settings, ADMIN, wanted)
    with hub.engine.begin() as connection:
        return carrying.decide(connection, settings, ADMIN, wanted, digest=seen.digest, shown=seen.shown())
