"""Which fields the simulated Salesforce objects have, and of which type."""

_DATETIMES = {"CreatedDate", "LastModifiedDate", "SystemModstamp"}
_DATES = {"CloseDate", "Birthdate", "LastActivityDate", "ConvertedDate", "FirstRespondedDate"}
_DOUBLES = {"Amount", "Probability"}
_BOOLEANS = {
    "IsDeleted",
    "HasOptedOutOfEmail",
    "DoNotCall",
    "IsConverted",
    "IsClosed",
    "IsWon",
    "IsPrimary",
    "IsActive",
    "HasResponded",
}
_SYSTEM = "Id IsDeleted CreatedDate LastModifiedDate SystemModstamp"


def _typed(names: str) -> dict[str, str]:
    return {name: _type(name) for name in names.split()}


def _type(name: str) -> str:
    for type_, members in (("datetime", _DATETIMES), ("date", _DATES), ("double", _DOUBLES), ("boolean", _BOOLEANS)):
        if name in members:
            return type_
    return "id" if name == "Id" else "reference" if name.endswith("Id") else "string"


def _place(prefix: str) -> str:
    return " ".join(f"{prefix}{part}" for part in ("Street", "City", "State", "PostalCode", "Country"))


_PERSON = (
    "Name FirstName LastName Salutation Email Phone MobilePhone Title OwnerId HasOptedOutOfEmail DoNotCall "
    "LastActivityDate MasterRecordId"
)

FIELDS: dict[str, dict[str, str]] = {
    "Account": _typed(
        f"{_SYSTEM} Name ParentId Phone Website OwnerId Industry Type LastActivityDate "
        f"MasterRecordId {_place('Billing')}"
    ),
    "Contact": _typed(f"{_SYSTEM} {_PERSON} AccountId Birthdate {_place('Mailing')}"),
    "Lead": _typed(
        f"{_SYSTEM} {_PERSON} Company Website Status IsConverted ConvertedAccountId "
        f"ConvertedContactId ConvertedDate LeadSource {_place('')}"
    ),
    "Opportunity": _typed(
        f"{_SYSTEM} Name AccountId ContactId OwnerId StageName Amount CurrencyIsoCode CloseDate Probability NextStep "
        "IsClosed IsWon Type LeadSource ForecastCategoryName CampaignId LastActivityDate"
    ),
    "OpportunityFieldHistory": _typed(
        "Id IsDeleted OpportunityId Field DataType OldValue NewValue CreatedDate CreatedById"
    ),
    "OpportunityContactRole": _typed(f"{_SYSTEM} OpportunityId ContactId Role IsPrimary"),
    "Campaign": _typed(f"{_SYSTEM} Name Type Status IsActive"),
    "CampaignMember": _typed(f"{_SYSTEM} CampaignId LeadId ContactId Status HasResponded FirstRespondedDate"),
    "User": _typed("Id CreatedDate LastModifiedDate SystemModstamp Name FirstName LastName Email Username IsActive"),
}
# Relationship fields that may be selected as Parent.Field, and the object behind them.
PARENTS = {
    "Owner": "User",
    "Account": "Account",
    "Contact": "Contact",
    "Lead": "Lead",
    "Campaign": "Campaign",
    "Opportunity": "Opportunity",
}
