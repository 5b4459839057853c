"""The section `oidc` of the settings."""

from pydantic import Field, SecretStr, field_validator, model_validator

from hub.access import Role
from hub.model.kinds import Department
from hub.section import Section, resolved


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
        return resolved("oidc.client_secret", secret)
