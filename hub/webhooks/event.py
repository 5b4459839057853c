"""What is delivered: a CloudEvents 1.0 event in structured JSON, one for each change or announcement.

The event is written out here: it has nine fixed fields, and the SDK would bring two more packages for them. The tests
read it with the SDK.
"""

import datetime as dt
import uuid
from typing import Any

from pydantic import BaseModel
from sqlalchemy import RowMapping

from hub.api.models import Change

MEDIA_TYPE = "application/cloudevents+json; charset=UTF-8"
SOURCE = "/v1/changes"  # where the same change can be read from the hub


class Event(BaseModel):
    """A CloudEvents event. `id` is the same in every attempt, and for every subscriber."""

    specversion: str = "1.0"
    id: str
    source: str = SOURCE
    type: str
    subject: str | None = None
    time: dt.datetime
    datacontenttype: str = "application/json"
    data: dict[str, Any] | Change

    def body(self) -> str:
        """The event as JSON, equal in every attempt: the signature covers it byte by byte."""
        return self.model_dump_json(exclude={"subject"} if self.subject is None else None)


def of_change(change: RowMapping) -> Event:
    """The event of an entry of the change feed; its data is that entry, as /v1/changes shows it."""
    entry = Change.model_validate(change)
    return Event(
        id=f"change-{entry.sequence}",
        type=f"onerecord.customer.{entry.op}",
        subject=str(entry.golden_id),
        time=entry.happened_at,
        data=entry,
    )


def of_announcement(row: RowMapping) -> Event:
    """The event of what became of a run: publication.held, .published or .failed."""
    return Event(
        id=f"publication-{row['sequence']}",
        source="/checks",
        type=f"onerecord.publication.{row['kind']}",
        subject=row["run_id"],
        time=row["happened_at"],
        data=row["data"],
    )


def ping(name: str) -> Event:
    """An event that only shows whether a receiver answers and can verify signatures."""
    return Event(
        id=f"ping-{uuid.uuid4().hex}", type="onerecord.ping", time=dt.datetime.now(dt.UTC), data={"webhook": name}
    )
