"""The section `survivorship` of the settings."""

from pydantic import Field, model_validator

from hub.golden.policy import Choice, Policy, Rule, changed
from hub.model.kinds import Department, PartyKind
from hub.section import Section


class AttributeSettings(Section):
    """How one group of attributes is chosen among the records of a customer; what is left out stays as it is."""

    rules: tuple[Rule, ...] | None = Field(None, min_length=1, description="asked in this order, see docs/rules.md")
    prefer: frozenset[Department] | None = Field(None, description="who wins under preferred_department")


class SurvivorshipSettings(Section):
    """Which record wins each golden value, by kind of customer and group: name, email, phone, mobile, address ..."""

    person: dict[str, AttributeSettings] = Field(default_factory=dict)
    organization: dict[str, AttributeSettings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _possible(self) -> "SurvivorshipSettings":
        self.policy()
        return self

    def policy(self) -> Policy:
        """The rules in force."""
        return changed(
            {
                PartyKind(kind): {name: Choice(one.rules, one.prefer) for name, one in by_name.items()}
                for kind, by_name in (("person", self.person), ("organization", self.organization))
            }
        )
