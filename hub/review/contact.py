"""Contact eligibility in words, for the customer's page. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hub.eligibility.question import Answer, Evidence, Finding, Purpose, Rule, Verdict
from hub.model.kinds import Channel

REASONS = {
    Rule.UNKNOWN: "No record of this customer is left.",
    Rule.STALE: "Not all could be read lately, so nobody knows.",
    Rule.OBJECTION: "The customer objected.",
    Rule.CONSENT: "The customer gave no consent.",
    Rule.COMPLAINT: "A complaint is open, or was solved only lately.",
    Rule.BAD_RATING: "The customer was not content with support lately.",
    Rule.OVERDUE: "An invoice is overdue.",
    Rule.PURCHASE: "The customer bought only lately.",
    Rule.DECLINED: "The customer declined an offer lately.",
    Rule.REPLY: "The customer replied or met us lately.",
    Rule.FREQUENCY: "There were enough contacts within a week.",
}
SHORT = {
    Rule.UNKNOWN: "unknown", Rule.STALE: "not read lately", Rule.OBJECTION: "objection", Rule.CONSENT: "no consent",
    Rule.COMPLAINT: "complaint", Rule.BAD_RATING: "bad rating", Rule.OVERDUE: "overdue invoice",
    Rule.PURCHASE: "recent purchase", Rule.DECLINED: "declined offer", Rule.REPLY: "recent reply",
    Rule.FREQUENCY: "contacted lately",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """`rows`: purposes with the answer on each of `channels`. `reasons`: what keeps contacts back, and its records."""

    channels: tuple[Channel, ...]
    rows: list[tuple[Purpose, list[Answer]]]
    reasons: list[tuple[Rule, str, list[Evidence]]]


def shown(answers: Mapping[tuple[Purpose, Channel], Answer], withheld: Collection[str]) -> Shown:
    """The table of one customer; records of departments that are withheld are not named."""
    seen = {key: answer.without(withheld) for key, answer in answers.items()}
    rows = [(purpose, [seen[purpose, channel] for channel in Channel]) for purpose in Purpose]
    binding = [one for answer in seen.values() for one in answer.findings if one.verdict != Verdict.ALLOW]
    return Shown(tuple(Channel), rows, [_reason(rule, binding) for rule in Rule if _of(rule, binding)])


def _of(rule: Rule, findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if one.rule == rule]


def _reason(rule: Rule, findings: list[Finding]) -> tuple[Rule, str, list[Evidence]]:
    of = _of(rule, findings)
    late = sorted({department.value for one in of for department in one.departments})
    words = f"{REASONS[rule]} It is about {', '.join(late)}." if late else REASONS[rule]
    return rule, words, sorted({record for one in of for record in one.evidence}, key=lambda one: one.at, reverse=True)
