"""What rules, suites and the benefit ledger cost beside a full run: a part of `python -m benchmarks.golden`."""

import datetime as dt
import time

from sqlalchemy import Connection, Engine, text

from benchmarks.search import say
from hub import benefit, runs
from hub.settings import Settings
from quality_checks.flags import flag_opportunities

# An opportunity with its history for every fifth person, an invoice that was paid for others, consents and touches.
_FACTS = (
    """INSERT INTO canonical.opportunity (ref, source, stream, source_id, party_ref, name, stage, status, amount,
           currency, probability, close_date, next_step, source_created_at)
       SELECT source || ':Deal:' || source_id, source, 'Deal', source_id, ref, 'Deal', 'Stage ' || party_id % 4,
              (ARRAY['open', 'won', 'lost'])[1 + party_id % 3], 1 + party_id % 9000, 'EUR', 20 + 20 * (party_id % 4),
              CURRENT_DATE + CAST(party_id % 90 - 45 AS int), 'call', now() - (20 + party_id % 300) * interval '1 day'
       FROM canonical.party WHERE party_id % 5 = 0""",
    """INSERT INTO canonical.opportunity_change (ref, source, stream, source_id, opportunity_ref, field, old_value,
           new_value, changed_at)
       SELECT ref || ':' || n, source, 'History', source_id || ':' || n, ref,
              (ARRAY['stage', 'close_date', 'amount', 'next_step'])[n],
              (ARRAY['Stage 2', '2026-06-01', '900', 'mail'])[n], (ARRAY['Stage 1', '2026-09-01', '700', 'call'])[n],
              source_created_at + n * interval '3 days'
       FROM canonical.opportunity CROSS JOIN generate_series(1, 4) AS n""",
    """INSERT INTO canonical.invoice (ref, source, stream, source_id, party_ref, status, currency, total, paid,
           remaining, issued_at, due_at, paid_at)
       SELECT source || ':Invoice:' || source_id, source, 'Invoice', source_id, ref, 'paid', 'EUR', 90, 90, 0,
              now() - party_id % 700 * interval '1 day', now() - party_id % 700 * interval '1 day',
              now() - party_id % 700 * interval '1 day'
       FROM canonical.party WHERE party_id % 3 = 0""",
    """INSERT INTO canonical.payment (ref, source, stream, source_id, party_ref, invoice_ref, status, currency, amount,
           refunded, paid_at)
       SELECT source || ':Payment:' || source_id, source, 'Payment', source_id, party_ref, ref, 'succeeded', 'EUR', 90,
              0, paid_at
       FROM canonical.invoice""",
    """INSERT INTO canonical.consent (ref, source, stream, source_id, party_ref, channel, purpose, status, recorded_at)
       SELECT source || ':Consent:' || source_id, source, 'Consent', source_id, ref, 'email', 'marketing',
              CASE WHEN party_id % 7 = 0 THEN 'withdrawn' ELSE 'granted' END, now() - interval '1 year'
       FROM canonical.party WHERE party_id % 2 = 0""",
    """INSERT INTO canonical.touch (ref, source, stream, source_id, party_ref, channel, campaign, outcome, touched_at)
       SELECT source || ':Touch:' || source_id || ':' || n, source, 'Touch', source_id || ':' || n, ref, 'email',
              'Mail ' || (party_id + n) % 50, (ARRAY['sent', 'opened', 'declined'])[1 + (party_id + n) % 3],
              now() - (party_id + 97 * n) % 400 * interval '1 day'
       FROM canonical.party CROSS JOIN generate_series(1, 2) AS n""",
)
# A landed record for every party and fact, as the checks expect it; payloads are as small as JSON can be.
_LANDED = "INSERT INTO landing.source_record (source, stream, source_id, payload, content_hash) " + " UNION ALL ".join(
    f"SELECT source, stream, source_id, CAST('{{}}' AS jsonb), 'h' FROM canonical.{table}"
    for table in ("party", "opportunity", "opportunity_change", "invoice", "payment", "consent", "touch")
)


def add_facts(connection: Connection) -> None:
    """Facts of the parties that are there, as a hub would have conformed them, and the records that they came from."""
    for statement in (*_FACTS, _LANDED):
        connection.execute(text(statement))


def measure(engine: Engine, full: float) -> None:
    """Print the seconds of every suite and of the rules, and what they are of a run that took `full` without them."""
    settings = Settings()
    as_of = runs.begin(engine, "checks", settings)
    spent = _rules(engine, settings, as_of) + _suites(engine, settings, as_of)
    say(f"suites and rules took {spent:.1f} s: {spent / (full + spent):.1%} of a full run of {full + spent:.1f} s")
    _benefit(engine, settings, as_of)


def _rules(engine: Engine, settings: Settings, as_of: dt.datetime) -> float:
    begun = time.perf_counter()
    found = flag_opportunities(engine, settings, as_of=as_of)
    seconds = time.perf_counter() - begun
    say(f"rules: {seconds:.1f} s; {found.opened:,} flags: {found.open}")
    return seconds


def _benefit(engine: Engine, settings: Settings, as_of: dt.datetime) -> None:
    begun = time.perf_counter()
    with engine.begin() as connection:
        benefit.keep(connection, as_of, as_of.date(), settings.benefit)
    say(f"benefit: {time.perf_counter() - begun:.1f} s")


def _suites(engine: Engine, settings: Settings, as_of: dt.datetime) -> float:
    """Seconds of all suites, without the import of Great Expectations, which every process pays once."""
    begun = time.perf_counter()
    from quality_checks import gx, runner, suites  # noqa: F401  # timed

    say(f"import of Great Expectations: {time.perf_counter() - begun:.1f} s")
    total = 0.0
    for suite in suites.SUITES:
        begun = time.perf_counter()
        found = runner.run_suite(engine, suite, settings, run_id="checks", as_of=as_of)
        seconds = time.perf_counter() - begun
        failed = [outcome.name for outcome in found if not outcome.passed]
        say(f"{suite}: {seconds:.1f} s for {len(found)} checks; not passed: {', '.join(failed) or 'none'}")
        total += seconds
    return total
