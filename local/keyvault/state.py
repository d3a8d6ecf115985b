"""The vault's contents: versions, soft deletion, recovery, and what is refused."""

import re
from dataclasses import dataclass, field
from typing import Any

from local.keyvault import errors
from local.keyvault.knobs import Knobs
from local.simkit.clock import Clock
from local.simkit.seeded import Source

NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
VALUE_BYTES = 25 * 1024
TAGS, TAG_LENGTH, CONTENT_TYPE_LENGTH = 15, 512, 255
DAY = 86400


@dataclass(kw_only=True)
class Version:
    """One version of a secret."""

    ident: str
    value: str
    created: int
    updated: int
    enabled: bool = True
    nbf: int | None = None
    exp: int | None = None
    content_type: str | None = None
    tags: dict[str, str] | None = None


@dataclass(kw_only=True)
class Secret:
    """A secret with all its versions, the current one last. ``settled`` is when a recovery has come through."""

    name: str
    versions: list[Version] = field(default_factory=list)
    deleted: int | None = None
    purge_due: int | None = None
    settled: float = 0.0

    @property
    def current(self) -> Version:
        """The newest version."""
        return self.versions[-1]


class Vault:
    """All secrets. Names are compared without regard to case, as the service does, and kept as first written."""

    def __init__(self, clock: Clock, source: Source) -> None:
        self._clock = clock
        self._source = source
        self.knobs = Knobs()
        self.secrets: dict[str, Secret] = {}

    def clear(self) -> None:
        """Empty the vault and turn all knobs back."""
        self.knobs = Knobs()
        self.secrets.clear()

    def live(self) -> list[Secret]:
        """Return the secrets that are not soft-deleted, by name."""
        self._purge_due()
        return [secret for _, secret in sorted(self.secrets.items()) if secret.deleted is None]

    def deleted(self) -> list[Secret]:
        """Return the soft-deleted secrets whose deletion has settled, by name."""
        self._purge_due()
        now = self._clock.timestamp()
        return [
            secret for _, secret in sorted(self.secrets.items()) if secret.deleted is not None and secret.settled <= now
        ]

    def set(self, name: str, body: dict[str, Any]) -> tuple[Secret, Version]:
        """Add a version, making the secret where it is new."""
        value = body.get("value")
        if not isinstance(value, str):
            raise errors.bad_parameter("The request body does not contain a secret value.")
        if len(value.encode()) > VALUE_BYTES:
            raise errors.bad_parameter(f"The length of secret value is outside the allowed range (0-{VALUE_BYTES}).")
        changes = _changes(body)
        self._purge_due()
        secret = self.secrets.get(name.lower())
        if secret:
            self._check_writable(secret)
        else:
            secret = self.secrets[name.lower()] = Secret(name=name)
        now = int(self._clock.timestamp())
        version = Version(ident=self._unused(secret), value=value, created=now, updated=now, **changes)
        secret.versions.append(version)
        return secret, version

    def _unused(self, secret: Secret) -> str:
        """Return the id of a new version; the state file may hold those of a run before."""
        taken = {version.ident for version in secret.versions}
        while (ident := self._source.digits(f"version {secret.name}", 16)) in taken:
            continue
        return ident

    def get(self, name: str, ident: str) -> tuple[Secret, Version]:
        """Return a version, the newest where ``ident`` is empty; refuse a disabled one.

        Outside ``nbf``/``exp`` a get works (``about-secrets.md``, "Date-time controlled operations"; confirmed by
        AzureKeyVault #19) unless the knob says otherwise.
        """
        secret, version = self.find(name, ident)
        if not version.enabled:
            raise errors.disabled()
        now = self._clock.timestamp()
        outside = (version.nbf is not None and now < version.nbf) or (version.exp is not None and now >= version.exp)
        if outside and self.knobs.refuse_outside_window:
            raise errors.outside_window()
        return secret, version

    def find(self, name: str, ident: str = "") -> tuple[Secret, Version]:
        """Return a version whether it can be read or not; 404 for a missing or soft-deleted secret."""
        secret = self.secrets.get(name.lower())
        if secret is None or secret.deleted is not None or secret.settled > self._clock.timestamp():
            raise errors.not_found(name)
        if not ident:
            return secret, secret.current
        for version in secret.versions:
            if version.ident == ident:
                return secret, version
        raise errors.not_found(f"{name}/{ident}")

    def update(self, name: str, ident: str, body: dict[str, Any]) -> tuple[Secret, Version]:
        """Change attributes, content type or tags of a version; never its value."""
        secret, version = self.find(name, ident)
        for member, value in _changes(body).items():
            setattr(version, member, value)
        version.updated = int(self._clock.timestamp())
        return secret, version

    def delete(self, name: str) -> Secret:
        """Soft-delete; the name stays taken until purge or recovery."""
        secret, _ = self.find(name)
        now = int(self._clock.timestamp())
        secret.deleted = now
        secret.purge_due = now + self.knobs.retention_days * DAY
        secret.settled = self._clock.timestamp() + self.knobs.settle_seconds
        return secret

    def find_deleted(self, name: str) -> Secret:
        """Return a soft-deleted secret; 404 until its deletion has settled, which is what the client polls for."""
        self._purge_due()
        secret = self.secrets.get(name.lower())
        if secret is None or secret.deleted is None or secret.settled > self._clock.timestamp():
            raise errors.deleted_not_found(name)
        return secret

    def recover(self, name: str) -> Secret:
        """Bring a soft-deleted secret back with all versions."""
        secret = self.find_deleted(name)
        secret.deleted = secret.purge_due = None
        secret.settled = self._clock.timestamp() + self.knobs.settle_seconds
        return secret

    def purge(self, name: str) -> None:
        """Destroy a soft-deleted secret, unless the vault is protected against that."""
        self.find_deleted(name)
        if self.knobs.purge_protection:
            raise errors.purge_protected()
        del self.secrets[name.lower()]

    def _check_writable(self, secret: Secret) -> None:
        pending = secret.settled > self._clock.timestamp()
        if secret.deleted is None and not pending:
            return
        if secret.deleted is None:
            raise errors.settling(secret.name, "recovered", "ObjectIsBeingRecovered")
        if pending:
            raise errors.settling(secret.name, "deleted", "ObjectIsBeingDeleted")
        raise errors.conflict(secret.name)

    def _purge_due(self) -> None:
        """The service purges by itself once the retention has passed."""
        now = self._clock.timestamp()
        due = [key for key, secret in self.secrets.items() if secret.purge_due is not None and secret.purge_due <= now]
        for key in due:
            del self.secrets[key]


def check_name(name: str) -> None:
    """Refuse a name that the service's path pattern would refuse; the client does not check it."""
    if not NAME.fullmatch(name):
        raise errors.bad_parameter(
            "The request URI contains an invalid name: "
            f"{name}. Secret names can only contain alphanumeric characters and dashes."
        )


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a version that a body sets, checked."""
    changes: dict[str, Any] = {}
    attributes = body.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise errors.bad_parameter("Property attributes has an invalid value.")
    for member, kind in (("enabled", bool), ("nbf", int), ("exp", int)):
        if attributes.get(member) is not None:
            if not isinstance(attributes[member], kind):
                raise errors.bad_parameter(f"Property attributes.{member} has an invalid value.")
            changes[member] = attributes[member]
    if changes.get("nbf") is not None and changes.get("exp") is not None and changes["nbf"] >= changes["exp"]:
        raise errors.bad_parameter("Property nbf must be before exp.")
    if body.get("contentType") is not None:
        changes["content_type"] = _text(body["contentType"], CONTENT_TYPE_LENGTH, "contentType")
    if body.get("tags") is not None:
        changes["tags"] = _tags(body["tags"])
    return changes


def _tags(tags: Any) -> dict[str, str]:
    if not isinstance(tags, dict) or len(tags) > TAGS:
        raise errors.bad_parameter(f"A secret can have at most {TAGS} tags.")
    return {_text(key, TAG_LENGTH, "tags"): _text(value, TAG_LENGTH, "tags") for key, value in tags.items()}


def _text(value: Any, longest: int, member: str) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise errors.bad_parameter(f"Property {member} has an invalid value.")
    return value
