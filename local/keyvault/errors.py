"""Refusals, worded as the service words them."""

from dataclasses import dataclass
from typing import Any

HELP = "https://go.microsoft.com/fwlink/?linkid=2125182"


@dataclass
class VaultError(Exception):
    """A refusal: HTTP status, ``error.code``, message, and ``innererror.code`` where the service gives one."""

    status: int
    code: str
    message: str
    inner: str | None = None
    retry_after: int | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return {"error": error}


def unauthorized(message: str) -> VaultError:
    """401; the answer carries the challenge too."""
    return VaultError(401, "Unauthorized", message)


def bad_parameter(message: str) -> VaultError:
    """400 for what the request got wrong."""
    return VaultError(400, "BadParameter", message)


def not_found(name: str) -> VaultError:
    """404 for a secret that does not exist, or is soft-deleted."""
    return VaultError(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may "
        f"be able to recover it using the correct recovery command. For help resolving this issue, please see {HELP}",
    )


def deleted_not_found(name: str) -> VaultError:
    """404 for a name that is not among the soft-deleted."""
    return VaultError(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def conflict(name: str) -> VaultError:
    """409 for writing a soft-deleted name (external-secrets #3519, azure-rest-api-specs #9222)."""
    return VaultError(
        409,
        "Conflict",
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
        "the secret can only be recovered or purged.",
        "ObjectIsDeletedButRecoverable",
    )


def settling(name: str, doing: str, inner: str) -> VaultError:
    """409 while a deletion or recovery has not settled (terraform-provider-azurerm #12285)."""
    return VaultError(
        409, "Conflict", f"Secret {name} is currently being {doing} and cannot be re-created; retry later.", inner
    )


def disabled() -> VaultError:
    """403 for reading a disabled secret (ansible-collections/azure #1989)."""
    return VaultError(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")


def outside_window() -> VaultError:
    """403 for reading outside ``nbf``/``exp``; only with the knob ``refuseOutsideWindow``."""
    return VaultError(403, "Forbidden", "Operation get is not allowed on an expired or not yet valid secret.")


def purge_protected() -> VaultError:
    """403 for purging under purge protection (sap-automation #200)."""
    return VaultError(
        403,
        "Forbidden",
        'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
        "automatically purge it after the retention period has passed.\r\nVault: stand;location=local",
    )


def not_permitted(operation: str, caller: str) -> VaultError:
    """403 for an operation that the caller's access policy lacks (terraform-provider-azurerm #9984)."""
    return VaultError(
        403,
        "Forbidden",
        f"The user, group or application '{caller}' does not have secrets {operation} permission on key vault "
        f"'stand;location=local'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287",
        "ForbiddenByPolicy",
    )


def throttled(retry_after: int) -> VaultError:
    """429; the vault-wide limit is 4,000 transactions in 10 seconds (Learn, "Key Vault service limits")."""
    return VaultError(
        429, "Throttled", "Request was not processed because too many requests were received.", retry_after=retry_after
    )
