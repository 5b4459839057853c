"""The section `mail` of the settings."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from hub.section import Section, resolved


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
        return None if password is None else resolved("mail.password", password)

    @model_validator(mode="after")
    def _possible(self) -> "MailSettings":
        if (self.user is None) != (self.password is None):
            raise ValueError("mail.user and mail.password go together")
        if self.tls == "none" and self.user is not None:
            raise ValueError("mail.tls: a password is not sent in clear; say starttls or tls")
        return self
