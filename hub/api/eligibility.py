"""The API on contact eligibility: may these customers be contacted, by this channel, for this purpose, now?"""

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from hub import clock
from hub.access import Scope
from hub.api import models
from hub.api.problems import documented
from hub.api.routes import JSON, KeyWith, WithheldFrom
from hub.eligibility import ask, facts, question
from hub.eligibility.question import Evidence, Finding, Purpose, Question, Rule, Verdict
from hub.eligibility.rules import Now
from hub.model.kinds import Channel, Department

LARGEST_BATCH = 1_000
AT_ONCE = 20  # customers that take 5 ms; of more, others who ask need not wait for the end
ASKED: dict[str, Any] = {"golden_ids": [models.ID], "channel": "email", "purpose": "marketing", "offer": "Spring fair"}
ANSWER: dict[str, Any] = {
    "asked": models.ID, "golden_id": models.ID, "verdict": "not_before", "reason": "complaint",
    "not_before": "2026-11-27T08:00:00Z", "reach": [],
    "rules": [
        {"rule": "consent", "verdict": "allow", "until": None, "departments": [],
         "evidence": [{"ref": "crm:consent:17", "department": None, "at": "2026-05-01T09:00:00Z", "age_days": 205}]},
        {"rule": "complaint", "verdict": "not_before", "until": "2026-11-27T08:00:00Z", "departments": [],
         "evidence": [{"ref": "helpdesk:tickets:9", "department": "support", "at": "2026-11-12T08:00:00Z",
                       "age_days": 10}]},
    ],
}  # fmt: skip
Named = Annotated[str | None, Field(min_length=1, max_length=200)]

router = APIRouter(
    prefix="/v1",
    tags=["contact eligibility"],
    dependencies=[Security(KeyWith(Scope.READ))],
    responses=documented(401, 403, 422),
)


class Asked(BaseModel):
    """One or many customers, and what they are to be contacted for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [ASKED]})

    golden_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=LARGEST_BATCH)]
    channel: Channel
    purpose: Purpose
    offer: Named = Field(None, description="the campaign or offer, as touches call it; any, if left out")
    product_line: Named = Field(None, description="as subscriptions call their product; any, if left out")
    mailing_list: Named = Field(None, description="as consents call it, such as `subscription 2849`; any, if left out")


class Record(BaseModel):
    """A record that a rule rests on."""

    ref: str
    department: Department | None = Field(description="who knows it; null for consents")
    at: dt.datetime
    age_days: int = Field(description="whole days from its moment until it was asked")


class Ruling(BaseModel):
    """What one rule says."""

    rule: Rule
    verdict: Verdict
    until: dt.datetime | None = Field(description="when it ends; null where that is not known, or nothing holds")
    departments: list[Department] = Field(description="of rule stale: whose sources were not read for too long")
    evidence: list[Record]


class Answer(BaseModel):
    """The answer for one id."""

    asked: uuid.UUID
    golden_id: uuid.UUID | None = Field(description="the customer; of a merged id its survivor; null if there is none")
    verdict: Verdict
    reason: Rule | None = Field(description="the rule that decided; null where nothing speaks against it")
    not_before: dt.datetime | None
    reach: list[str] = Field(description="the records whose own address may be used; empty unless allowed")
    rules: list[Ruling]


class Answers(BaseModel):
    """One answer for each id, in the order of the request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"as_of": "2026-11-22T09:00:00Z", "withheld": [], "answers": [ANSWER]}]}
    )

    as_of: dt.datetime
    withheld: list[Department] = Field(description="private departments whose records this key does not see named")
    answers: list[Answer]


@router.post("/eligibility", summary="May these customers be contacted?", response_model=Answers)
async def eligibility(request: Request, kept_back: WithheldFrom, asked: Asked) -> Response:
    """`allow`, `deny`, or `not_before` a moment, with every rule and the records that it rests on.

    Whatever is not known or was not read lately denies. Service messages are exempt; that they were asked for is
    written to the audit log.
    """
    settings = request.app.state.settings.eligibility
    as_of = clock.as_of(request.app.state.settings)
    rows = await request.app.state.eligible.fetch(facts.QUERY, facts.values(asked.golden_ids, settings, as_of))
    known = facts.customers(rows, settings, as_of)
    now = Now(as_of, settings, known.stale)
    if len(asked.golden_ids) > AT_ONCE or asked.purpose == Purpose.SERVICE:
        return await run_in_threadpool(_answered, request, asked, known, now, kept_back)
    return _answered(request, asked, known, now, kept_back)


def _answered(
    request: Request, asked: Asked, customers: facts.Customers, now: Now, kept_back: frozenset[Department]
) -> Response:
    """The answers, once it is written down for whom they are where that has to be."""
    wanted = Question(**asked.model_dump(exclude={"golden_ids"}))
    if wanted.purpose == Purpose.SERVICE:
        with request.app.state.engine.begin() as connection:
            ask.log_exempt(connection, request.state.principal.name, asked.golden_ids, wanted)
    told = ask.answers(asked.golden_ids, customers, wanted, now)
    answers = [_answer(one, one.answer.without(kept_back), now.as_of) for one in told]
    whole = Answers(as_of=now.as_of, withheld=sorted(kept_back), answers=answers)
    return Response(whole.model_dump_json(), media_type=JSON)


def _answer(told: ask.Told, answer: question.Answer, as_of: dt.datetime) -> Answer:
    verdict, reason, not_before, findings, reach = answer
    return Answer(
        asked=told.asked, golden_id=told.golden_id, verdict=verdict, reason=reason, not_before=not_before,
        reach=list(reach), rules=[_ruling(finding, as_of) for finding in findings],
    )  # fmt: skip


def _ruling(finding: Finding, as_of: dt.datetime) -> Ruling:
    records = [_record(one, as_of) for one in finding.evidence]
    return Ruling(
        rule=finding.rule, verdict=finding.verdict, until=finding.until, departments=list(finding.departments),
        evidence=records,
    )  # fmt: skip


def _record(evidence: Evidence, as_of: dt.datetime) -> Record:
    return Record(**evidence._asdict(), age_days=evidence.age_days(as_of))
