"""What is read from HubSpot. The lists of properties keep URLs far below the 15,000 characters it accepts."""

from functools import partial

from connectors.base import Connector, Stream
from connectors.marketing.hubspot import mapping, objects, timeline
from connectors.marketing.hubspot.client import connect
from connectors.marketing.hubspot.objects import CrmObject
from connectors.marketing.hubspot.settings import HubSpotOptions
from connectors.marketing.hubspot.timeline import Log
from connectors.options import options_of
from hub.settings import SourceSettings

ADDRESS = ("address", "city", "state", "zip", "country")
COMMON = ("createdate", "hs_object_id", "hs_merged_object_ids")

CONTACTS = CrmObject(
    "contacts",
    ("email", "hs_additional_emails", "firstname", "lastname", "jobtitle", "phone", "mobilephone", "company",
     "associatedcompanyid", "website", "date_of_birth", "hs_language", "hs_email_optout", "lastmodifieddate",
     "hs_calculated_merged_vids", *ADDRESS, *COMMON),
    modified="lastmodifieddate",
)  # fmt: skip
COMPANIES = CrmObject(
    "companies",
    ("name", "domain", "website", "phone", "hs_parent_company_id", "hs_lastmodifieddate", *ADDRESS, *COMMON),
    modified="hs_lastmodifieddate",
)
DEALS = CrmObject(
    "deals",
    ("dealname", "dealstage", "amount", "deal_currency_code", "closedate", "hs_next_step", "hs_is_closed",
     "hs_is_closed_won", "hs_deal_stage_probability", "hubspot_owner_id", "notes_last_updated", "hs_lastmodifieddate",
     *COMMON),
    modified="hs_lastmodifieddate",
    history=("dealstage", "amount", "closedate", "hs_next_step"),
    associations=("companies", "contacts"),
)  # fmt: skip
CHANGES = Log("subscription_changes", "/email/public/v1/subscriptions/timeline", items="timeline", moment="timestamp")
EVENTS = Log("email_events", "/email/public/v1/events", items="events", moment="created")


def _selected(source: SourceSettings) -> tuple[str, ...] | None:
    return options_of(source, HubSpotOptions).streams


CONNECTOR = Connector(
    system="hubspot",
    streams=(
        Stream(
            name="companies",
            read=partial(objects.read, COMPANIES),
            map=mapping.company,
            mapping_version=mapping.VERSION,
            required=("properties.name",),
        ),
        Stream(
            name="contacts",
            read=partial(objects.read, CONTACTS),
            map=mapping.contact,
            mapping_version=mapping.VERSION,
            required=("properties.email", "properties.lastname"),
        ),
        Stream(
            name="deals",
            read=partial(objects.read, DEALS),
            map=mapping.deal,
            mapping_version=mapping.VERSION,
            required=("properties.dealname", "properties.dealstage", "properties.createdate"),
        ),
        Stream(
            name="subscription_changes",
            read=partial(timeline.read, CHANGES),
            map=mapping.subscription_change,
            mapping_version=mapping.VERSION,
            required=("changes", "recipient"),
            recipient="recipient",
        ),
        Stream(
            name="email_events",
            read=partial(timeline.read, EVENTS),
            map=mapping.email_event,
            mapping_version=mapping.VERSION,
            required=("type", "recipient"),
            recipient="recipient",
        ),
    ),
    connect=connect,
    selected=_selected,
)
