"""What is read from Salesforce: SOQL by window of the modification stamp, in the order (stamp, Id)."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from connectors.base import Connector, Cursor, Page, Stream, page
from connectors.options import options_of
from connectors.sales.salesforce import mapping
from connectors.sales.salesforce.client import SalesforceApi
from connectors.sales.salesforce.settings import SalesforceOptions
from hub.errors import TransientSourceError
from hub.settings import SourceSettings

LOOKBACK = dt.timedelta(minutes=10)  # a long transaction's rows become visible after later stamps were read
ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
OPT_OUTS = ("HasOptedOutOfEmail", "DoNotCall")
AUDIT = ("IsDeleted", "CreatedDate", "SystemModstamp")


@dataclass(frozen=True)
class SObject:
    """An object, the fields we ask for, and the stamp that moves whenever a row changes."""

    name: str
    fields: tuple[str, ...]
    stamp: str = "SystemModstamp"


OBJECTS = (
    SObject(
        "Account",
        ("Id", "Name", "ParentId", "Phone", "Website", *(f"Billing{part}" for part in ADDRESS), "Owner.Name",
         "MasterRecordId", *AUDIT),
    ),
    SObject(
        "Contact",
        ("Id", "AccountId", "FirstName", "LastName", "Title", "Email", "Phone", "MobilePhone", "Birthdate",
         *(f"Mailing{part}" for part in ADDRESS), *OPT_OUTS, "Owner.Name", "MasterRecordId", *AUDIT),
    ),
    SObject(
        "Lead",
        ("Id", "FirstName", "LastName", "Title", "Company", "Email", "Phone", "MobilePhone", "Website", *ADDRESS,
         *OPT_OUTS, "IsConverted", "ConvertedContactId", "Owner.Name", "MasterRecordId", *AUDIT),
    ),
    SObject(
        "Opportunity",
        ("Id", "AccountId", "ContactId", "Name", "StageName", "Amount", "Probability", "CloseDate", "NextStep",
         "IsClosed", "IsWon", "OwnerId", "Owner.Name", "LastActivityDate", *AUDIT),
    ),
    SObject(
        "OpportunityFieldHistory",
        ("Id", "OpportunityId", "Opportunity.AccountId", "Field", "OldValue", "NewValue", "IsDeleted", "CreatedDate"),
        stamp="CreatedDate",  # history rows are never changed
    ),
    SObject("OpportunityContactRole", ("Id", "OpportunityId", "ContactId", *AUDIT)),
    SObject(
        "CampaignMember",
        ("Id", "CampaignId", "Campaign.Name", "Campaign.Type", "ContactId", "LeadId", "Status", "HasResponded",
         "FirstRespondedDate", *AUDIT),
    ),
)  # fmt: skip


def read(sobject: SObject, api: SalesforceApi, cursor: Cursor | None, as_of: dt.datetime) -> Iterator[Page]:
    """Pages since the last window, which ends at `as_of`.

    Cursor: {"until"} after a whole window; {"until", "stamp", "id"} within one, naming the last row that was read.
    """
    until = _literal(as_of)
    if cursor is not None and "id" in cursor:
        yield from _window(sobject, api, _after(sobject.stamp, cursor["stamp"], cursor["id"]), cursor["until"])
        if cursor["until"] == until:
            return
    since = [f"{sobject.stamp} >= {_literal(_moment(cursor['until']) - LOOKBACK)}"] if cursor else []
    yield from _window(sobject, api, since, until)


def _window(sobject: SObject, api: SalesforceApi, conditions: list[str], until: str) -> Iterator[Page]:
    # SystemModstamp has whole seconds: the bound lies one second after the moment, to have its own rows too.
    upper = _literal(_moment(until) + dt.timedelta(seconds=1))
    where = " AND ".join([*conditions, f"{sobject.stamp} < {upper}"])
    fields = ", ".join(_fields(sobject, api))
    soql = f"SELECT {fields} FROM {sobject.name} WHERE {where} ORDER BY {sobject.stamp} ASC, Id ASC"
    records, more = api.query_all(sobject.name, soql)
    while more is not None:
        cursor = _position(api, sobject, records, until)
        yield page(map(_plain, records), cursor, key="Id", deleted=_deleted)
        records, more = api.more(sobject.name, more)
    yield page(map(_plain, records), {"until": until}, key="Id", deleted=_deleted)


def _position(api: SalesforceApi, sobject: SObject, records: list[Any], until: str) -> Cursor:
    last: Any = records[-1] if records else None
    try:
        return {"until": until, "stamp": _literal(_moment(last[sobject.stamp])), "id": str(last["Id"])}
    except (KeyError, TypeError, ValueError):
        problem = f"the last row of a page has no Id or no {sobject.stamp} to go on from"
        raise TransientSourceError(api.name, sobject.name, problem, advice="run again later") from None


def _after(stamp: str, moment: str, identifier: str) -> list[str]:
    return [f"(({stamp} = {moment} AND Id > '{_quoted(identifier)}') OR {stamp} > {moment})"]


def _fields(sobject: SObject, api: SalesforceApi) -> tuple[str, ...]:
    """Amounts name their currency where the org has several; asking an org with one for it is an error."""
    if sobject.name == "Opportunity" and "CurrencyIsoCode" in api.fields(sobject.name):
        return (*sobject.fields, "CurrencyIsoCode")
    return sobject.fields


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _moment(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value).astimezone(dt.UTC)


def _literal(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _deleted(record: dict[str, Any]) -> bool:
    return record.get("IsDeleted") is True


def _plain(record: Any) -> Any:
    """Without `attributes`, which hold a URL with the API's version and would make every row look changed."""
    if not isinstance(record, dict):
        return record
    return {key: _plain(value) for key, value in record.items() if key != "attributes"}


REQUIRED = {
    "Account": ("Name",),
    "Contact": ("LastName",),
    "Lead": ("LastName",),
    "Opportunity": ("Name", "StageName", "CreatedDate"),
    "OpportunityFieldHistory": ("OpportunityId", "Field", "CreatedDate"),
    "OpportunityContactRole": ("OpportunityId", "ContactId"),
    "CampaignMember": ("CampaignId", "CreatedDate"),
}


def _selected(source: SourceSettings) -> tuple[str, ...] | None:
    return options_of(source, SalesforceOptions).streams


CONNECTOR = Connector(
    system="salesforce",
    streams=tuple(
        Stream(
            name=sobject.name,
            read=partial(read, sobject),
            map=mapping.MAPPINGS[sobject.name],
            mapping_version=mapping.VERSION,
            required=REQUIRED[sobject.name],
        )
        for sobject in OBJECTS
    ),
    connect=SalesforceApi,
    selected=_selected,
)
