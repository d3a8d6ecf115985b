"""The settings, read once from the environment; every problem is listed at once."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import OperatorFault


def _https(value: str) -> str:
    if urlsplit(value).scheme != "https" or not urlsplit(value).netloc:
        raise ValueError("must be an https URL")
    return value.rstrip("/")


def _http_or_https(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc:
        raise ValueError("must be an http or https URL")
    return value.rstrip("/")


HttpsUrl = Annotated[str, AfterValidator(_https)]
AnyUrl = Annotated[str, AfterValidator(_http_or_https)]
Text = Annotated[str, Field(min_length=1)]


class SettingsFault(OperatorFault):
    """The settings are wrong; ``problems`` names each one. Values are never repeated: one may be a secret."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("settings", code="; ".join(problems))
        self.problems = problems


class Settings(BaseModel):
    """What an operator sets. ``docs/settings.md`` says what each is for."""

    model_config = ConfigDict(frozen=True, populate_by_name=False, extra="ignore", hide_input_in_errors=True)

    azure_client_id: Text = Field(alias="AZURE_CLIENT_ID")
    azure_tenant_id: Text = Field("common", alias="AZURE_TENANT_ID")
    azure_redirect_uri: HttpsUrl = Field(alias="AZURE_REDIRECT_URI")
    authority_host: HttpsUrl = Field("https://login.microsoftonline.com", alias="MICROSOFT_AUTHORITY_HOST")
    graph_base_url: HttpsUrl = Field("https://graph.microsoft.com/v1.0", alias="GRAPH_BASE_URL")
    key_vault_url: HttpsUrl = Field(alias="KEY_VAULT_URL")
    key_vault_verify_challenge: bool = Field(True, alias="KEY_VAULT_VERIFY_CHALLENGE")
    storage_connection_string: str = Field("", alias="SyncStorage", repr=False)
    storage_table_uri: str = Field("", alias="SyncStorage__tableServiceUri")
    storage_queue_uri: str = Field("", alias="SyncStorage__queueServiceUri")
    managed_identity_client_id: str = Field("", alias="MANAGED_IDENTITY_CLIENT_ID")
    public_base_url: HttpsUrl = Field(alias="PUBLIC_BASE_URL")
    wedsync_api_url: AnyUrl = Field(alias="WEDSYNC_API_URL")
    wedsync_app_url: AnyUrl = Field(alias="WEDSYNC_APP_URL")
    wedsync_jwks_url: AnyUrl = Field(alias="WEDSYNC_JWKS_URL")
    wedsync_jwt_issuer: Text = Field(alias="WEDSYNC_JWT_ISSUER")
    wedsync_jwt_audience: Text = Field(alias="WEDSYNC_JWT_AUDIENCE")
    trusted_ca_file: str = Field("", alias="TRUSTED_CA_FILE")
    window_past_days: int = Field(180, alias="SYNC_WINDOW_PAST_DAYS", ge=1, le=365)
    window_future_days: int = Field(1460, alias="SYNC_WINDOW_FUTURE_DAYS", ge=1, le=1460)
    safety_sync_minutes: int = Field(15, alias="SAFETY_SYNC_MINUTES", ge=1, le=1440)
    subscription_minutes: int = Field(10070, alias="SUBSCRIPTION_MINUTES", ge=45, le=10080)
    build_version: str = Field("unreleased", alias="BUILD_VERSION", pattern=r"^[\w.+-]{1,64}$")
    history_retention_days: int = Field(90, alias="HISTORY_RETENTION_DAYS", ge=1)

    @model_validator(mode="after")
    def _storage_is_one_of_two(self) -> "Settings":
        if not self.storage_connection_string and not (self.storage_table_uri and self.storage_queue_uri):
            raise ValueError(
                "SyncStorage, or SyncStorage__tableServiceUri and SyncStorage__queueServiceUri, must be set"
            )
        return self

    @property
    def reconnect_page(self) -> str:
        """The page of WedSync where a user connects again."""
        return f"{self.wedsync_app_url}/settings/integrations?reconnect=outlook"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings; raise ``SettingsFault`` with every problem. Empty values count as not set."""
        given: dict[str, Any] = {name: value for name, value in environ.items() if value.strip()}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise SettingsFault(tuple(_problem(item) for item in error.errors(include_input=False))) from None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all settings, as the environment has them."""
        return tuple(str(info.alias) for info in cls.model_fields.values())


def _problem(item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"])
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
