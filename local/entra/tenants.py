"""Tenant segments of the path, and which sample accounts may sign in under each."""

from local.entra.errors import EntraError
from local.entra.state import AUDIENCES, Client
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


def canonical(tenant: str) -> str:
    """Return one spelling for all segments that name the same tenant."""
    return tenant_id(tenant) or tenant


def check_audience(tenant: str, client: Client) -> None:
    """Refuse a segment that the registration's ``signInAudience`` does not serve (``reference-error-codes.md``)."""
    names = {"client_id": client.client_id, "name": client.name}
    if client.audience == AUDIENCES[2] and tenant in ("common", "organizations"):
        raise EntraError(50194, names)
    if client.audience != AUDIENCES[0] and _KINDS[tenant] == "personal":
        raise EntraError(9002332, names)


def unwelcome(account: Account, tenant: str, client: Client) -> EntraError | None:
    """Return why this account cannot sign in under the segment: another kind of account, or another tenant (S11)."""
    names = {"upn": account.upn, "tenant": tenant, "client_id": client.client_id, "name": client.name}
    if account.personal and client.audience != AUDIENCES[0]:
        return EntraError(500208, names)
    if admits(tenant, account):
        return None
    return EntraError(50020 if tenant_id(tenant) == WORK_TENANT else 500208, names)


def hinted(hint: str, account: Account) -> bool:
    """Whether ``domain_hint`` means this account: a kind, a tenant's id, or the domain of its name."""
    kinds = {"consumers": account.personal, "organizations": not account.personal}
    return kinds.get(hint, hint in (account.tid, account.upn.partition("@")[2]))


def person(upn: str) -> Account | None:
    """Return the sample account with this name, whatever its case."""
    return next((account for account in ACCOUNTS if account.upn == upn.strip().lower()), None)
