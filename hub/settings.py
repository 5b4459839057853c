"""All settings: `onerecord.toml` in the working folder, overridden by `ONERECORD_*` environment variables."""

import ipaddress
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from hub.coach.settings import CoachSettings
from hub.eligibility.settings import EligibilitySettings
from hub.errors import ConfigurationError
from hub.model.kinds import Department
from hub.section import Section, resolved
from hub.sections.hygiene import HygieneSettings
from hub.sections.mail import MailSettings
from hub.sections.oidc import OidcSettings
from hub.sections.review import ReviewSettings
from hub.sections.survivorship import SurvivorshipSettings
from hub.sections.trends import BenefitSettings, TrendsSettings


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
        return {key: resolved(key, value) for key, value in credentials.items()}


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


class WebhookSettings(Section):
    """Where changes may be delivered to: public addresses over https, and what is allowed here."""

    allowed_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = Field(
        (), description="private networks, such as 10.20.0.0/16, that receivers may be in; http is allowed there too"
    )


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
