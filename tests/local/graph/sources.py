"""Where the evidence of the conformance tests lives: the addresses that several of them cite."""

_CONTRIB = "https://github.com/microsoftgraph/microsoft-graph-docs-contrib"
_DOCS = f"{_CONTRIB}/blob/main"
CSDL = "https://github.com/microsoftgraph/msgraph-metadata/blob/master/schemas/v1.0-Prod.csdl"
ALLODIA = "https://github.com/allodia-eu/email-calendar-sync-engine"
"""Live captures of July 2026, of one personal account."""
CLOSEIO = "https://github.com/closeio/sync-engine"
KEEPER = "https://github.com/ridafkih/keeper.sh"
RYKOMA = "https://blog.rykoma.net/"
CORSO = "https://github.com/alcionai/corso/issues/2490"
ANALOG = "https://github.com/analogdotnow/Analog/issues/475"
EVENT = f"{_DOCS}/api-reference/v1.0/resources/event.md"
IMMUTABLE_ID = f"{_DOCS}/concepts/outlook-immutable-id.md"
ERRORS = f"{_DOCS}/concepts/errors.md"


def api(page: str) -> str:
    """Return the address of an operation's page in the v1.0 reference."""
    return f"{_DOCS}/api-reference/v1.0/api/{page}.md"


def resource(page: str) -> str:
    """Return the address of a type's page in the v1.0 reference."""
    return f"{_DOCS}/api-reference/v1.0/resources/{page}.md"


def concept(page: str) -> str:
    """Return the address of an article."""
    return f"{_DOCS}/concepts/{page}.md"


def issue(number: int, repository: str = "microsoftgraph/microsoft-graph-docs-contrib") -> str:
    """Return the address of a thread."""
    return f"https://github.com/{repository}/issues/{number}"
