"""The Prefer header: zone, body type, page size, id form; what was applied is said in Preference-Applied."""

import re
from dataclasses import dataclass

from local.graph.errors import GraphError
from local.graph.zones import zone

_PART = re.compile(r'([\w.-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]+))')


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefer:
    """What one request prefers; nothing carries over to the next request (S27, S44)."""

    time_zone: str = "UTC"
    text: bool = False
    page_size: int | None = None
    immutable: bool = False
    applied: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The ``Preference-Applied`` header, if anything was applied."""
        return {"Preference-Applied": ", ".join(self.applied)} if self.applied else {}


_NOTHING = Prefer()


def parse(header: str) -> Prefer:
    """Read a Prefer header, several preferences joined by commas; unknown ones are passed over."""
    if not header:
        return _NOTHING
    found = {m[1].lower(): (m[2] if m[2] is not None else m[3]) for m in _PART.finditer(header)}
    applied = []
    time_zone = found.get("outlook.timezone", "")
    if time_zone:
        zone(time_zone)
        applied.append(f'outlook.timezone="{time_zone}"')
    body = found.get("outlook.body-content-type", "").lower()
    if body and body not in ("text", "html"):
        raise GraphError(400, "ErrorInvalidRequest", f"The body content type '{body}' is not supported.")
    if body:
        applied.append(f'outlook.body-content-type="{body}"')
    immutable = found.get("idtype", "").lower() == "immutableid"
    if immutable:
        applied.append('IdType="ImmutableId"')
    return Prefer(
        time_zone=time_zone or "UTC",
        text=body == "text",
        page_size=_page_size(found.get("odata.maxpagesize")),
        immutable=immutable,
        applied=tuple(applied),
    )


def _page_size(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isdigit() or int(value) < 1:
        raise GraphError(400, "BadRequest", "The value of odata.maxpagesize must be a positive integer.")
    return min(int(value), 1000)
