"""Where the values of a customer come from, written out for those who ask: winner, rule, losers, and links."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hub.api import models
from hub.settings import SourceSettings


def of(customer: Mapping[str, Any], sources: Sequence[SourceSettings]) -> models.Provenance:
    """The origins of a published customer, as it is in JSON; by attribute, in the order of the record."""
    addresses = {source.name: source.record_url for source in sources}
    told: Mapping[str, Any] = customer["provenance"]
    return models.Provenance(
        **{name: customer[name] for name in ("golden_id", "version", "publication", "resolved_from")},
        attributes={name: _origin(value, told[name], addresses) for name, value in customer.items() if name in told},
    )


def _origin(value: Any, told: Mapping[str, Any], addresses: Mapping[str, str | None]) -> models.Origin:
    losers = [models.Loser(**loser, url=_url(loser["ref"], addresses)) for loser in told["losers"]]
    return models.Origin(value=value, url=_url(told["ref"], addresses), **{**told, "losers": losers})


def _url(ref: str, addresses: Mapping[str, str | None]) -> str | None:
    """The address of a record on its source's own pages; None where the settings do not tell."""
    source, stream, source_id = ref.split(":", 2)
    template = addresses.get(source)
    if template is None:
        return None
    return template.replace("{stream}", quote(stream, safe="")).replace("{source_id}", quote(source_id, safe=""))
