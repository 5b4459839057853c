"""The rules of contact eligibility. Pure: what is known of a customer in, an answer with every finding out.

Each rule is monotone: more records of a customer never make it say less. So a merge never widens a permission, and a
consent reaches no further than the record that gave it (docs/decisions/0016-consent-of-a-record.md).
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hub.eligibility.question import PURPOSES, Answer, Evidence, Finding, Purpose, Question, Rule, Verdict
from hub.eligibility.settings import EligibilitySettings
from hub.golden.consents import Statement, latest
from hub.model.kinds import Channel, Department

WEEK = 7  # days of the customer's calendar, the day of the contact included
_PROMOTION = (Rule.COMPLAINT, Rule.BAD_RATING, Rule.PURCHASE, Rule.DECLINED)
HOLDS: dict[Purpose, tuple[Rule, ...]] = {
    Purpose.MARKETING: (*_PROMOTION, Rule.REPLY),
    Purpose.SALES: _PROMOTION,
    Purpose.UPSELL: (Rule.COMPLAINT, Rule.BAD_RATING, Rule.OVERDUE, Rule.PURCHASE, Rule.DECLINED),
    Purpose.COLLECTIONS: (),
    Purpose.SERVICE: (),
}
NEEDS: dict[Purpose, frozenset[Department]] = {
    Purpose.COLLECTIONS: frozenset({Department.FINANCE}),
    Purpose.SERVICE: frozenset(),
}
# What is not advertising needs no consent; what was said of it is no objection to advertising.
NOT_PROMOTION = frozenset({Purpose.COLLECTIONS, Purpose.SERVICE})
_NOTHING = {rule: Finding(rule, Verdict.ALLOW) for rule in Rule}  # what most rules say of most customers


class Hold(NamedTuple):
    """A fact that keeps contacts back from `since` on, until some days after `counted_from` (None: not over yet).

    `topic`: the product line of a purchase, the offer that was declined; None where the fact does not say.
    """

    rule: Rule
    department: Department
    ref: str
    since: dt.datetime
    counted_from: dt.datetime | None
    topic: str | None = None


class Contact(NamedTuple):
    """A touch that reached the customer. Those of one campaign are one, but for calls."""

    ref: str
    channel: str
    campaign: str | None
    at: dt.datetime


@dataclass
class Known:
    """What is known of one customer: of all its records. `living`: refs of those that are still there.

    `unread`: records of which something newer came that does not fit, so that nobody knows what they say now.
    """

    living: list[str] = field(default_factory=list)
    zones: set[ZoneInfo] = field(default_factory=set)
    statements: list[Statement] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    unread: list[Evidence] = field(default_factory=list)


class Now(NamedTuple):
    """Of which moment it is asked, by which numbers, and which departments were not read for too long.

    `asked_at`: when it is asked, where that is later: of a moment that is over, what was said since is not heeded.
    """

    as_of: dt.datetime
    settings: EligibilitySettings
    stale: frozenset[Department] = frozenset()
    asked_at: dt.datetime | None = None

    def heeds(self, statement: Statement) -> bool:
        """Whether it was said by then. A withdrawal of the future was said already, by a clock that is wrong."""
        wrong = statement.withdrawn and statement.recorded_at > (self.asked_at or self.as_of)
        return wrong or statement.recorded_at <= self.as_of


def judge(known: Known | None, question: Question, now: Now) -> Answer:
    """The answer for one customer; None is one that nobody knows.

    Facts from after `now.as_of` count for nothing, but for withdrawals that are dated after the moment of asking.
    """
    if known is None or not known.living:
        return _answer([Finding(Rule.UNKNOWN, Verdict.DENY)], ())
    if question.purpose == Purpose.SERVICE:
        return _answer([Finding(Rule.EXEMPT, Verdict.ALLOW)], known.living)
    findings = [_stale(known.unread, question, now)]
    reach: Sequence[str] = known.living
    if question.purpose not in NOT_PROMOTION:
        consents, reach = _consents(known, question, now)
        holds = [_held(rule, known.holds, question, now) for rule in HOLDS[question.purpose]]
        findings += [*consents, *holds, _frequency(known, question, now)]
    return _answer(findings, reach)


def needs(purpose: Purpose, settings: EligibilitySettings) -> frozenset[Department]:
    """The departments whose facts decide about this purpose."""
    return NEEDS.get(purpose, frozenset(Department)) & settings.needed_departments


def _answer(findings: list[Finding], reach: Sequence[str]) -> Answer:
    denied = [finding for finding in findings if finding.verdict == Verdict.DENY]
    if denied:
        return Answer(Verdict.DENY, denied[0].rule, None, tuple(findings))
    waiting = [(finding.until, finding.rule) for finding in findings if finding.until is not None]
    if waiting:
        until, rule = max(waiting, key=lambda one: one[0])
        return Answer(Verdict.NOT_BEFORE, rule, until, tuple(findings))
    exempt = findings[0].rule if findings[0].rule == Rule.EXEMPT else None
    return Answer(Verdict.ALLOW, exempt, None, tuple(findings), tuple(sorted(reach)))


def _stale(unread: Sequence[Evidence], question: Question, now: Now) -> Finding:
    if not (unread or now.stale):
        return _NOTHING[Rule.STALE]
    needed = needs(question.purpose, now.settings)
    missing = tuple(sorted(needed & now.stale))
    found = tuple(sorted(record for record in unread if record.department in needed))
    return Finding(Rule.STALE, _denied(missing or found), evidence=found, departments=missing)


def _consents(known: Known, question: Question, now: Now) -> tuple[list[Finding], list[str]]:
    """Objection and consent, and the records that may be reached by what they say of themselves."""
    said = latest(one for one in known.statements if one.channel == question.channel and now.heeds(one))
    objections = [one for one in said if one.withdrawn and _concerns(one.purpose, question)]
    enough = {Purpose.MARKETING, question.purpose, question.named_list}  # one consent to any of them
    granted = [one for one in said if not one.withdrawn and one.purpose.casefold() in enough]
    optional = question.channel in now.settings.opt_out_channels
    findings = [
        Finding(Rule.OBJECTION, _denied(objections), evidence=_statements(objections)),
        Finding(Rule.CONSENT, _denied(not granted and not optional), evidence=_statements(granted)),
    ]
    return findings, known.living if optional else sorted({one.party_ref for one in granted})


def _concerns(purpose: str, question: Question) -> bool:
    """Whether a withdrawal of this purpose is one of what is asked: all but other lists, where the list is named."""
    if purpose in NOT_PROMOTION:
        return False
    other_list = purpose not in PURPOSES and purpose.casefold() != question.named_list
    return not (question.named_list and other_list)


def _denied(denied: object) -> Verdict:
    return Verdict.DENY if denied else Verdict.ALLOW


def _statements(statements: Iterable[Statement]) -> tuple[Evidence, ...]:
    return tuple(sorted({Evidence(one.ref, None, one.recorded_at) for one in statements}))


def _held(rule: Rule, holds: Sequence[Hold], question: Question, now: Now) -> Finding:
    """What one kind of hold says: the one that ends last decides, all that still hold are evidence."""
    if not holds:
        return _NOTHING[rule]
    found: dict[Evidence, dt.datetime | None] = {}
    for hold in holds:
        if hold.rule == rule and _begun(hold, now.as_of):
            until = _ends(hold, question, now)
            if until is None or until > now.as_of:
                found[Evidence(hold.ref, hold.department, hold.since)] = until
    evidence, ends = tuple(sorted(found)), [until for until in found.values() if until is not None]
    if len(ends) < len(found):
        return Finding(rule, Verdict.DENY, evidence=evidence)
    return Finding(rule, Verdict.NOT_BEFORE if ends else Verdict.ALLOW, max(ends, default=None), evidence)


def _begun(hold: Hold, as_of: dt.datetime) -> bool:
    """What is due is overdue from the moment after; everything else holds from its own moment on."""
    return hold.since < as_of if hold.rule == Rule.OVERDUE else hold.since <= as_of


def _ends(hold: Hold, question: Question, now: Now) -> dt.datetime | None:
    """When a hold ends, None: not yet known at `now`. One that does not concern what is asked ended before it began."""
    if hold.rule == Rule.PURCHASE and not _same(hold.topic, question.product_line):
        return hold.since
    if hold.counted_from is None or hold.counted_from > now.as_of:
        return None
    return hold.counted_from + dt.timedelta(days=_days(hold, question, now.settings))


def _days(hold: Hold, question: Question, settings: EligibilitySettings) -> int:
    if hold.rule == Rule.DECLINED:
        same = _same(hold.topic, question.offer)
        return max(settings.declined_offer_days if same else 0, settings.declined_group_days)
    return settings.days_after[hold.rule]


def _same(told: str | None, asked: str | None) -> bool:
    """Whether it may be the same: what one of them does not say may be anything."""
    return told is None or asked is None or told.casefold() == asked.casefold()


def _frequency(known: Known, question: Question, now: Now) -> Finding:
    if not known.contacts:
        return _NOTHING[Rule.FREQUENCY]
    limit = now.settings.per_week.get(question.channel)
    ends: dict[str, dt.datetime] = {}
    evidence: list[Evidence] = []
    for contact in known.contacts:
        if limit is None or contact.channel != question.channel or contact.at > now.as_of:
            continue
        end = max(week_after(contact.at, zone) for zone in known.zones)
        if end > now.as_of:
            # A mail of a campaign is sent, delivered and opened; each call is one more.
            key = contact.ref if contact.channel == Channel.PHONE else contact.campaign or contact.ref
            ends[key] = max(end, ends.get(key, end))
            evidence.append(Evidence(contact.ref, Department.MARKETING, contact.at))
    found = tuple(sorted(evidence))
    if limit is None or len(ends) < limit:
        return Finding(Rule.FREQUENCY, Verdict.ALLOW, evidence=found)
    # It ends when so many of them are out of the week that one more fits.
    return Finding(Rule.FREQUENCY, Verdict.NOT_BEFORE, sorted(ends.values(), reverse=True)[limit - 1], found)


def week_after(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The first moment (UTC) of the customer's day that is seven days after the day of `moment`."""
    day = moment.astimezone(zone).date() + dt.timedelta(days=WEEK)
    return dt.datetime.combine(day, dt.time.min, zone).astimezone(dt.UTC)
