"""Record ids as each vendor makes them, from a running number per object."""

import hashlib

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_PREFIX = {
    "Account": "001", "Contact": "003", "Lead": "00Q", "Opportunity": "006", "OpportunityFieldHistory": "017",
    "OpportunityContactRole": "00K", "Campaign": "701", "CampaignMember": "00v", "User": "005",
}  # fmt: skip
_STRIPE = {"customer": "cus_", "subscription": "sub_", "invoice": "in_", "charge": "ch_", "event": "evt_"}
_FIRST = {
    "hubspot.contacts": 101, "hubspot.companies": 7_100_000_000, "hubspot.deals": 9_300_000_000,
    "zendesk.users": 361_000_000_000, "zendesk.organizations": 362_000_000_000,
    "zendesk.tickets": 1_000, "zendesk.satisfaction_ratings": 363_000_000_000,
}  # fmt: skip


def base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))


def salesforce(object_name: str, seq: int) -> str:
    """18 characters: 15 that sort by age, and three that make them safe where case is lost."""
    fifteen = f"{_PREFIX[object_name]}5g0{base62(seq, 9)}"
    check = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, char in enumerate(fifteen[start : start + 5]) if char.isupper())
        check += _CHECK[bits]
    return fifteen + check


def make(object_: str, seq: int) -> str:
    """The id of the seq-th record of `system.object`."""
    system, _, name = object_.partition(".")
    if system == "salesforce":
        return salesforce(name, seq)
    if system == "stripe":
        scrambled = int.from_bytes(hashlib.blake2b(f"{name}{seq}".encode(), digest_size=10).digest())
        return _STRIPE[name] + base62(scrambled, 14)
    if object_ in _FIRST:
        return str(_FIRST[object_] + seq)
    digest = hashlib.blake2b(f"{name}{seq}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def number(object_: str, seq: int) -> int:
    """The numeric id of HubSpot and Zendesk objects."""
    return _FIRST[object_] + seq
