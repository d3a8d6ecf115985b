"""Tenant segments of the path, and which sample accounts may sign in under each."""

from local.entra.errors import EntraError
from local.simkit.people import ACCOUNTS, PERSONAL_TENANT, WORK_TENANT, Account

WORK_DOMAIN = "havenweddings.example"
WORK_NAME = "Haven Weddings"

_KINDS = {
    "common": "any",
    "organizations": "work",
    "consumers": "personal",
    PERSONAL_TENANT: "personal",
    WORK_TENANT: "work",
    WORK_DOMAIN: "work",
}


def known(tenant: str) -> str:
    """Return the tenant segment in lower case; EntraError 90002 for one that does not exist."""
    if tenant.lower() not in _KINDS:
        raise EntraError(90002, {"tenant": tenant})
    return tenant.lower()


def tenant_id(tenant: str) -> str | None:
    """Return the GUID behind a segment; None for ``common`` and ``organizations``, which name no tenant."""
    return {
        "consumers": PERSONAL_TENANT,
        PERSONAL_TENANT: PERSONAL_TENANT,
        WORK_TENANT: WORK_TENANT,
        WORK_DOMAIN: WORK_TENANT,
    }.get(tenant)


def admits(tenant: str, account: Account) -> bool:
    """Whether this kind of account may sign in under the segment (S11)."""
    kind = _KINDS[tenant]
    return kind == "any" or (kind == "personal") == account.personal


def person(upn: str) -> Account | None:
    """Return the sample account with this name, whatever its case."""
    return next((account for account in ACCOUNTS if account.upn == upn.strip().lower()), None)
