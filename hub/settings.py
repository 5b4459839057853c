"""All settings: `onerecord.toml` in the working folder, overridden by `ONERECORD_*` environment variables."""

import ipaddress
import os
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from hub.access import Role
from hub.coach.settings import CoachSettings
from hub.eligibility.settings import EligibilitySettings
from hub.errors import ConfigurationError
from hub.golden.policy import Choice, Policy, Rule, changed
from hub.model.kinds import Department, PartyKind
from hub.section import Section

Requirable = Literal[
    "name", "email", "phone", "street", "city", "region", "postcode", "country", "website", "tax_id", "birth_date",
    "language", "job_title",
]  # fmt: skip


class SourceSettings(Section):
    """One connected system. Credentials may be written as `env:NAME`, to be read from the environment."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="unique; begins every record id")
    system: str = Field(description="which connector reads it: salesforce, hubspot, zendesk or stripe")
    department: Department
    base_url: str = Field(pattern=r"^https?://")
    record_url: str | None = Field(
        None,
        pattern=r"^https?://[^{}]*(\{stream\}[^{}]*)?\{source_id\}[^{}]*$",
        description="where people see a record of it, with {stream} and {source_id} to be filled in; the API links it",
    )
    max_age_hours: float | None = Field(None, gt=0, description="gate.max_age_hours of this source's streams")
    credentials: dict[str, SecretStr] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict, description="knobs of the connector, see its README")

    @field_validator("credentials")
    @classmethod
    def _from_environment(cls, credentials: dict[str, SecretStr]) -> dict[str, SecretStr]:
        return {key: _resolve(key, value) for key, value in credentials.items()}


def _resolve(key: str, value: SecretStr) -> SecretStr:
    reference = value.get_secret_value()
    if not reference.startswith("env:"):
        return value
    name = reference.removeprefix("env:")
    if name not in os.environ:
        raise ConfigurationError(f"credential {key!r} points at the environment variable {name}, which is not set")
    return SecretStr(os.environ[name])


class SandboxSettings(Section):
    """The simulated departments; used only while no source is configured."""

    size: int = Field(5_000, ge=100, le=10_000_000, description="about how many source records the world has")
    seed: int = 7
    port: int = Field(0, ge=0, le=65_535, description="0 takes a free port")


class MatchSettings(Section):
    """Thresholds of the three bands, as probabilities that two parties are one customer."""

    same: float = Field(0.99, gt=0.5, lt=1)
    review: float = Field(0.30, gt=0, lt=1)
    learn_after: int = Field(20, ge=1, description="so many new judgements of people move the matching model")

    @model_validator(mode="after")
    def _ordered(self) -> "MatchSettings":
        if self.review >= self.same:
            raise ValueError("match.review must be below match.same")
        return self


RequiredFields = Annotated[tuple[str, ...], Field(max_length=7)]


class HygieneSettings(Section):
    """Opportunity hygiene; origins of the defaults are in docs/rules.md."""

    inactive_days: int = Field(14, ge=1, description="no logged activity for this long: inactive")
    no_progress_days: int = Field(30, ge=1, description="stage, close date and amount unchanged for this long: stale")
    past_close_days: int = Field(1, ge=1, description="open this many days after its close date: past close date")
    pushed_warn: int = Field(2, ge=1, description="close date moved later this often: warning")
    pushed_critical: int = Field(3, ge=1, description="close date moved later this often: critical")
    inactive_days_by_stage: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="inactive_days of stages that are slower or quicker than the others"
    )
    stuck_warn: float = Field(1.5, gt=0, description="times the usual time in a stage: warning")
    stuck_critical: float = Field(2.0, gt=0, description="times the usual time in a stage: critical")
    stuck_flat_days: int = Field(30, ge=1, description="days in a stage that are too long while nothing is usual yet")
    norm_min_deals: int = Field(20, ge=2, description="so many deals make a norm")
    moved_back_days: int = Field(60, ge=1, description="how long a move to an earlier stage is told")
    moved_back_critical: int = Field(2, ge=1, description="moved back so often in that time: critical")
    next_step_days: int = Field(14, ge=1, description="a next step that was planned so long ago is old")
    contacts_min: int = Field(2, ge=1, description="people who should be on a deal")
    amount_deviations: float = Field(3.0, gt=0, description="robust deviations from the usual amount that are unusual")
    amount_cut: float = Field(0.2, gt=0, lt=1, description="share of the amount that may be cut in the last stages")
    closed_days: int = Field(90, ge=1, description="how long a deal is looked at after it was won")
    hidden_cycle_share: float = Field(0.1, gt=0, lt=1, description="won in a smaller share of the usual time: hidden")
    hidden_sale_days: int = Field(90, ge=1, description="how long finance's newest record tells of a hidden sale")
    not_invoiced_days: int = Field(30, ge=1, description="days after a win by which finance should have invoiced")
    same_amount: float = Field(0.01, ge=0, lt=1, description="a payment that differs less from a deal is of its amount")
    skipped_stages: int = Field(2, ge=1, description="open stages that a win may not skip")
    last_week_days: int = Field(7, ge=1, le=31, description="days at the end of a quarter that are its last week")
    late_wins_share: float = Field(
        0.35, gt=0, lt=1, description="share of a quarter's wins that its last week may have"
    )
    late_wins_min: int = Field(10, ge=1, description="wins of a quarter of which a share says something")
    fiscal_year_starts: int = Field(1, ge=1, le=12, description="the month in which the first quarter begins")
    required_fields: RequiredFields = Field(
        ("amount", "close_date", "stage", "owner_id", "party_ref"),
        description="must hold a value that is not a placeholder while the opportunity is open",
    )
    required_fields_by_stage: dict[str, RequiredFields] = Field(
        default_factory=dict, description="required_fields of stages in which others are needed"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "HygieneSettings":
        if self.stuck_critical < self.stuck_warn:
            raise ValueError("hygiene.stuck_critical must not be below hygiene.stuck_warn")
        return self


class MailSettings(Section):
    """The server that takes the hub's mail."""

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65_535)
    tls: Literal["starttls", "tls", "none"] = Field("starttls", description="none: for a server on this machine")
    user: str | None = None
    password: SecretStr | None = Field(None, description="may be written as env:NAME")
    sender: str = Field(alias="from", pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="the address that mails come from")

    @field_validator("password")
    @classmethod
    def _from_environment(cls, password: SecretStr | None) -> SecretStr | None:
        return None if password is None else _resolve("mail.password", password)

    @model_validator(mode="after")
    def _possible(self) -> "MailSettings":
        if (self.user is None) != (self.password is None):
            raise ValueError("mail.user and mail.password go together")
        if self.tls == "none" and self.user is not None:
            raise ValueError("mail.tls: a password is not sent in clear; say starttls or tls")
        return self


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


class GateSettings(Section):
    """When a publication is held back."""

    max_quarantined_share: float = Field(0.05, ge=0, le=1, description="share of landed rows in quarantine")
    max_quarantined_share_of_stream: float = Field(0.5, ge=0, le=1, description="the same share of any one stream")
    max_drop_share: float = Field(
        0.5, ge=0, le=1, description="share of a stream's rows, or of the customers, gone since the last publication"
    )
    max_id_churn: float = Field(
        0.1, ge=0, le=1, description="share of the published customers whose golden id would be merged or split"
    )
    max_age_hours: float = Field(26, gt=0, description="since a stream was last read to its end; a source may differ")
    max_orphan_share: float = Field(0.2, ge=0, le=1, description="share of facts whose customer never arrived")
    max_fill_drop: float = Field(0.5, ge=0, le=1, description="share by which a field is filled less than usual: held")
    warn_fill_drop: float = Field(0.2, ge=0, le=1, description="the same, from where on it is told")


class TwoPeopleSettings(Section):
    """Above what a merge needs a second person; nothing is set: never."""

    money: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[Decimal, Field(ge=0)]] = Field(
        default_factory=dict,
        description="per currency: open opportunities and open invoices of the customer that it would make",
    )
    records: int | None = Field(None, ge=1, description="how many source records that customer would have")


class Route(Section):
    """Pairs that fit are judged by these departments; what is left out fits every pair."""

    to: frozenset[Department] = Field(min_length=1, description="who judges them")
    source: str | None = Field(None, description="one of the two records comes from this source")
    kind: PartyKind | None = None
    department: Department | None = Field(None, description="one of the two records belongs to this department")


class ReviewSettings(Section):
    """Who judges which pairs, and how people who work at the same time stay out of each other's way."""

    routes: tuple[Route, ...] = Field(
        (), description="the first that fits a pair decides; without one, the departments of both records judge it"
    )
    claim_minutes: int = Field(10, ge=1, le=240, description="so long an opened pair is left to who opened it")
    two_people_above: TwoPeopleSettings = TwoPeopleSettings()


class TrendsSettings(Section):
    """What the figures by day count; docs/trends.md tells where the numbers come from."""

    required_person: tuple[Requirable, ...] = Field(
        ("name", "email", "phone", "postcode", "country"), min_length=1, max_length=7,
        description="what every record of a person should say; `phone` is a landline or a mobile number",
    )  # fmt: skip
    required_organization: tuple[Requirable, ...] = Field(
        ("name", "street", "city", "country", "website"), min_length=1, max_length=7,
        description="what every record of an organization should say",
    )  # fmt: skip
    fresh_days: int = Field(365, ge=1, description="a record that changed at its source within so many days is fresh")
    settle_days: int = Field(
        1, ge=0, le=60, description="a fact that arrives within so many days after its own is not late"
    )


class BenefitSettings(Section):
    """How the benefit ledger counts; docs/trends.md tells where the numbers come from."""

    window_days: int = Field(90, ge=7, le=730, description="what is compared: so many days before the start, and now")
    first_days: int = Field(28, ge=7, le=365, description="the start of what begins with the hub: its first days")
    least_cases: int = Field(20, ge=1, description="fewer cases give no median, share or mean")
    least_ratings: int = Field(5, ge=3, description="fewer answers give no mean, so that nobody's can be guessed")
    session_gap_minutes: int = Field(
        5, ge=1, le=60, description="a judgement counts the time since the one before, and at most this"
    )
    ask_days: int = Field(30, ge=1, description="so many days lie between two times that somebody is asked to rate")


class WebhookSettings(Section):
    """Where changes may be delivered to: public addresses over https, and what is allowed here."""

    allowed_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = Field(
        (), description="private networks, such as 10.20.0.0/16, that receivers may be in; http is allowed there too"
    )


class OidcRole(Section):
    """Whoever has this value in the claim `role_claim` gets a role."""

    value: str = Field(min_length=1)
    role: Role
    departments: frozenset[Department] = Field(frozenset(), description="what a lead answers for")

    @model_validator(mode="after")
    def _possible(self) -> "OidcRole":
        if (self.role == Role.LEAD) != bool(self.departments):
            raise ValueError("a lead answers for one department or more, and only a lead does")
        return self


class OidcSettings(Section):
    """An identity provider (OpenID Connect) at which people may sign in. Who gets no role by it stays out."""

    issuer: str = Field(
        pattern=r"^(https://|http://(localhost|127\.0\.0\.1)([:/]|$))", description="as it calls itself"
    )
    client_id: str
    client_secret: SecretStr = Field(description="may be written as env:NAME")
    redirect_uri: str = Field(
        pattern=r"^https?://.+/sign-in/provider/callback$", description="of this hub, as registered at the provider"
    )
    label: str = Field("your company account", description="how the button on the sign-in page calls it")
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = Field("preferred_username", description="what becomes the account's name, once")
    role_claim: str = Field("groups", description="which claim gives roles; dots lead into it: realm_access.roles")
    roles: tuple[OidcRole, ...] = Field(min_length=1, description="the first entry that matches gives the role")

    @field_validator("client_secret")
    @classmethod
    def _from_environment(cls, secret: SecretStr) -> SecretStr:
        return _resolve("oidc.client_secret", secret)


class Settings(BaseSettings):
    """The settings of one hub.

    Unknown keys of the file and of its sections are errors, so a typing mistake never passes for a default. Unknown
    `ONERECORD_*` variables of the top level are not: platforms set variables of their own under a service's name.
    """

    model_config = SettingsConfigDict(
        env_prefix="ONERECORD_", env_nested_delimiter="__", toml_file="onerecord.toml", extra="forbid"
    )

    environment: str = Field("development", pattern="^(development|production)$")
    data_dir: Path = Field(Path(".onerecord"), description="embedded Postgres, sandbox world, Dagster home, keys")
    database_url: SecretStr | None = Field(None, description="postgresql://...; unset starts an embedded Postgres")
    dagster_database_url: SecretStr | None = Field(None, description="Dagster's storage; default: beside it")
    clock_file: Path | None = Field(None, description="a file that holds the moment of a simulated world")
    web_host: str = Field("127.0.0.1", description="where the web server listens; beyond loopback put TLS before it")
    web_port: int = Field(8400, ge=0, le=65_535)
    dagster_port: int = Field(3400, ge=0, le=65_535)
    secret_key: SecretStr | None = Field(None, description="signs web sessions and webhooks; required in production")
    sources: tuple[SourceSettings, ...] = ()
    source_priority: tuple[str, ...] = Field(
        ("sales", "finance", "support", "marketing"), description="survivorship: which department wins a tie"
    )
    private_departments: frozenset[Department] = Field(
        frozenset(), description="departments whose facts only their own leads, admins and keys with read:... see"
    )
    survivorship: SurvivorshipSettings = SurvivorshipSettings()
    sandbox: SandboxSettings = SandboxSettings()
    match: MatchSettings = MatchSettings()
    hygiene: HygieneSettings = HygieneSettings()
    eligibility: EligibilitySettings = EligibilitySettings()
    gate: GateSettings = GateSettings()
    coach: CoachSettings = CoachSettings()
    mail: MailSettings | None = Field(None, description="the server that takes the hub's mail; unset: none is sent")
    public_url: str | None = Field(
        None, pattern=r"^https?://[^\s]+[^/\s]$", description="where people open the hub; links in mails begin with it"
    )
    review: ReviewSettings = ReviewSettings()
    trends: TrendsSettings = TrendsSettings()
    benefit: BenefitSettings = BenefitSettings()
    webhook: WebhookSettings = WebhookSettings()
    oidc: OidcSettings | None = Field(None, description="an identity provider at which people may sign in")

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        names = [source.name for source in self.sources]
        if len(names) != len(set(names)):
            raise ValueError("sources: two sources have the same name")
        if self.environment == "production" and self.secret_key is None:
            raise ValueError("secret_key must be set in production")
        return self

    @property
    def address(self) -> str:
        """Where people open the hub, without a slash at the end."""
        return self.public_url or f"http://{self.web_host}:{self.web_port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def make_data_dir(folder: Path) -> None:
    """Make the data folder, or a folder in it, unless it is there.

    Raises:
        ConfigurationError: it cannot be made; says why.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"data_dir: {folder} cannot be made a folder ({error.strerror})") from None


@cache
def load() -> Settings:
    """The settings of this process, read once.

    Raises:
        ConfigurationError: a setting is unknown, missing or out of range; says which.
    """
    from pydantic import ValidationError

    try:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"onerecord.toml is not TOML: {error}") from None
    except SettingsError as error:
        raise ConfigurationError(f"ONERECORD_*: {error}") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(f"onerecord.toml or ONERECORD_*: {problems}") from None
