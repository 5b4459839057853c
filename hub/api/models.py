"""What the API answers. Field names equal the columns of the public views in `golden`."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypedDict

from hub.model.kinds import Department, PartyKind

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OLD_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
REF = "crm:Contact:0035g00000XyZ"
CUSTOMER: dict[str, Any] = {
    "golden_id": ID, "kind": "person", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
    "job_title": "Analyst", "email": "ada@analytical.example", "phone": None, "mobile": "+442079460000",
    "street": "12 St James's Square", "city": "London", "region": None, "postcode": "SW1Y 4JH", "country": "GB",
    "website": None, "tax_id": None, "birth_date": None, "language": "en", "employer_id": None,
    "parent_id": None,
    "departments": ["sales", "support"], "members": [REF, "helpdesk:users:9001"],
    "finance": {}, "support": {"open_tickets": 1}, "marketing": {}, "sales": {"open_opportunities": 2},
    "consents": [{"channel": "email", "purpose": "marketing", "status": "granted",
                  "recorded_at": "2026-05-01T09:00:00Z", "ref": "crm:consent:17"}],
    "provenance": {"email": {"ref": REF, "rule": "source_priority", "losers": []}},
    "version": 3, "publication": 12, "withheld": [], "updated_at": "2026-11-22T06:00:00Z", "resolved_from": None,
}  # fmt: skip
VERSION = {key: value for key, value in CUSTOMER.items() if key not in {"updated_at", "resolved_from"}} | {
    "valid_from": "2026-11-22T06:00:00Z", "valid_to": None,
}  # fmt: skip

PROVENANCE: dict[str, Any] = {
    "golden_id": ID, "version": 3, "publication": 12, "resolved_from": None,
    "attributes": {
        "email": {
            "value": "ada@analytical.example", "ref": REF, "rule": "preferred_department",
            "url": "https://crm.example/Contact/0035g00000XyZ",
            "losers": [{"ref": "billing:customers:cus_9", "value": "a.lovelace@old.example", "url": None}],
            "sources_say": None, "sources_changed": None,
        },
    },
}  # fmt: skip


class _Published(BaseModel):
    golden_id: uuid.UUID = Field(description="stable id of the customer; merged ids resolve to their survivor")
    kind: PartyKind
    name: str
    given_name: str | None
    family_name: str | None
    job_title: str | None
    email: str | None
    phone: str | None
    mobile: str | None
    street: str | None
    city: str | None
    region: str | None
    postcode: str | None
    country: str | None
    website: str | None
    tax_id: str | None
    birth_date: dt.date | None
    language: str | None
    employer_id: uuid.UUID | None = Field(description="golden id of the organization a person works at")
    parent_id: uuid.UUID | None = Field(description="golden id of the organization that an organization belongs to")
    departments: list[Department]
    members: list[str] = Field(description="refs of the source records: `source:stream:source_id`")
    finance: dict[str, Any]
    support: dict[str, Any]
    marketing: dict[str, Any]
    sales: dict[str, Any]
    consents: list[dict[str, Any]] = Field(description="channel, purpose, status, recorded_at, ref")
    provenance: dict[str, Any] = Field(description="per attribute: ref of the winner, rule, losers")
    version: int = Field(description="counts up by one with every published change of this customer")
    publication: int = Field(description="the publication that brought this version")
    withheld: list[Department] = Field(
        default_factory=list, description="private departments that this key does not read: their facets are empty"
    )


class Customer(_Published):
    """One customer as last published."""

    model_config = ConfigDict(json_schema_extra={"examples": [CUSTOMER]})

    updated_at: dt.datetime
    resolved_from: uuid.UUID | None = Field(None, description="the merged id that was asked for, if it was one")


class Loser(BaseModel):
    """A record that says something else."""

    ref: str
    value: Any
    url: str | None = Field(None, description="where the source shows the record, if that is known")


class Origin(BaseModel):
    """Where one value comes from."""

    value: Any = Field(description="as published; null where a person says that there is none, or a group has none")
    ref: str = Field(description="the record that won; for a manual value the one that it is pinned to")
    rule: str = Field(description="the rule that chose it, see docs/rules.md; `manual`: a person said so")
    url: str | None = Field(None, description="where the source shows the record, if that is known")
    losers: list[Loser] = Field(description="the records with another value, by ref; who agrees is not listed")
    sources_say: Any = Field(None, description="for a manual value: what would have won")
    sources_changed: bool | None = Field(
        None, description="for a manual value: whether the sources say something else than they said then"
    )


class Provenance(BaseModel):
    """Where each value of a customer comes from, by attribute."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROVENANCE]})

    golden_id: uuid.UUID
    version: int
    publication: int
    resolved_from: uuid.UUID | None = Field(None, description="the merged id that was asked for, if it was one")
    attributes: dict[str, Origin]


class Fact(BaseModel):
    """One thing that a department knows, as its source tells it."""

    what: str = Field(description="invoice, payment, subscription, ticket, rating, touch or opportunity")
    ref: str
    at: dt.datetime
    fact: dict[str, Any]


class Facts(BaseModel):
    """What a department knows of a customer: its facet, and the facts that it is rolled up from, newest first."""

    golden_id: uuid.UUID
    department: Department
    facet: dict[str, Any]
    items: list[Fact]
    next_cursor: str | None = Field(description="opaque; null on the last page")


class CustomerPage(BaseModel):
    """Customers by golden id. Follow `next_cursor` with the same filters until it is null."""

    items: list[Customer]
    next_cursor: str | None = Field(description="opaque; null on the last page")


class Version(_Published):
    """One customer as it was published from `valid_from` until `valid_to`."""

    model_config = ConfigDict(json_schema_extra={"examples": [VERSION]})

    valid_from: dt.datetime
    valid_to: dt.datetime | None


Text = Annotated[str, Field(max_length=2_000)]


def _written_out(value: Any) -> Any:
    """A bare number would be taken for the seconds since 1970, and 20261122 is not meant so."""
    if not isinstance(value, str) or value[4:5] != "-":
        raise ValueError("write it out, as in 2026-11-22 or 2026-11-22T06:00:00Z")
    return value


AsDay = Annotated[dt.date, BeforeValidator(_written_out)]
AsMoment = Annotated[dt.datetime, BeforeValidator(_written_out)]


class WantedRecord(TypedDict, total=False):
    """What is known of somebody, as a source would have it: one or more of the fields of `hub.identity.search`."""

    __pydantic_config__ = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})  # type: ignore[misc]

    name: Text
    given_name: Text
    family_name: Text
    job_title: Text
    email: Text
    other_emails: Text | Annotated[list[Text], Field(max_length=50)]
    phone: Text
    mobile: Text
    street: Text
    city: Text
    region: Text
    postcode: Text
    country: Text
    website: Text
    tax_id: Text
    employer_name: Text
    birth_date: AsDay


class Wanted(BaseModel):
    """A record that is about to be created somewhere: who may it be?"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"kind": "person", "record": {"name": "Ada Lovelace", "email": "ada@analytical.example"}}]
        },
    )

    kind: PartyKind = PartyKind.PERSON
    record: Annotated[WantedRecord, Field(min_length=1)]
    limit: int = Field(10, ge=1, le=50)


class Candidate(BaseModel):
    """A source record that may be the customer that was asked about."""

    ref: str
    golden_id: uuid.UUID | None = Field(description="its customer; null while it waits to be resolved")
    probability: float
    band: Literal["same", "review"]
    explanation: dict[str, Any] = Field(description="both values, level and weight per field; see docs/matching.md")


class Candidates(BaseModel):
    """Who it may be, best first. Nothing was written."""

    candidates: list[Candidate]


class History(BaseModel):
    """All versions of one id, newest first."""

    golden_id: uuid.UUID
    merged_into: uuid.UUID | None = Field(description="where this id leads now, if it was merged away")
    items: list[Version]
    next_cursor: str | None


class Change(BaseModel):
    """One entry of the change feed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sequence": 4711, "golden_id": OLD_ID, "version": 2, "op": "merged", "survivor": ID,
                    "publication": 12, "before": {"name": "A. Lovelace"}, "after": None,
                    "happened_at": "2026-11-22T06:00:00Z",
                }
            ]
        }
    )  # fmt: skip

    sequence: int = Field(description="global, without gaps; resume with `after` = the last one handled")
    golden_id: uuid.UUID
    version: int
    op: Literal["created", "changed", "merged", "split", "erased"]
    survivor: uuid.UUID | None = Field(description="for merged: the id that goes on")
    publication: int
    before: dict[str, Any] | None = Field(description="without the facets of withheld departments")
    after: dict[str, Any] | None = Field(description="without the facets of withheld departments")
    happened_at: dt.datetime
    withheld: list[Department] = Field(
        default_factory=list, description="private departments that this key does not read"
    )


class ChangePage(BaseModel):
    """A stretch of the change feed. Ask again with `after` = `next_after`; `has_more` tells whether to wait first."""

    items: list[Change]
    next_after: int
    has_more: bool
