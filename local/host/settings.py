"""App settings: local.settings.json, ``%NAME%`` and storage connections."""

import json
import logging
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local.host.errors import FunctionError, StartupError

_NAME = re.compile(r"%([^%]*)%|%")
_logger = logging.getLogger("Host.Startup")


@dataclass(frozen=True, kw_only=True)
class LocalHost:
    """The ``Host`` section of local.settings.json, which Core Tools alone reads."""

    port: int | None = None
    address: str | None = None
    cors_origins: tuple[str, ...] = ()
    cors_credentials: bool = False


def apply_local_settings(file: Path, environment: MutableMapping[str, str]) -> LocalHost:
    """Put ``Values`` into the environment, where what is already set wins, and return the ``Host`` section."""
    if not file.exists():
        return LocalHost()
    content = _read(file)
    for name, value in (content.get("Values") or {}).items():
        if value is None:
            continue
        if not isinstance(value, str):
            raise StartupError(f"{file}: Values.{name} must be a string")
        if name not in environment:
            environment[name] = value
        elif environment[name] != value:
            _logger.warning("Skipping '%s' from local settings as it's already defined in environment variables.", name)
    return _local_host(file, content.get("Host") or {})


def _read(file: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise StartupError(f"{file} is not JSON: {error}") from None
    sections = [content, content.get("Values") or {}, content.get("Host") or {}] if isinstance(content, dict) else [()]
    if not all(isinstance(section, dict) for section in sections):
        raise StartupError(f"{file} must be an object, and its Values and Host too")
    if content.get("IsEncrypted"):
        raise StartupError(f"{file} is encrypted; decrypt it with: func settings decrypt")
    return cast(dict[str, Any], content)


def _local_host(file: Path, host: Mapping[str, Any]) -> LocalHost:
    port = host.get("LocalHttpPort")
    if port is not None and not (str(port).isdigit() and 0 < int(port) < 65_536):
        raise StartupError(f"{file}: Host.LocalHttpPort must be the number of a port, not '{port}'")
    origins = tuple(origin.strip() for origin in str(host.get("CORS") or "").split(",") if origin.strip())
    return LocalHost(
        port=None if port is None else int(port),
        address=host.get("LocalHttpAddress"),
        cors_origins=origins,
        cors_credentials=bool(host.get("CORSCredentials", False)),
    )


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """Replace each ``%NAME%`` by that app setting; FunctionError when there is none."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "%":
            raise FunctionError(f"The '%' at position {match.start()} does not have a closing '%'")
        found = environment.get(match[1])
        if found is None:
            raise FunctionError(f"'%{match[1]}%' does not resolve to a value.")
        return found

    return _NAME.sub(value, text)


def time_zone(environment: Mapping[str, str]) -> tzinfo:
    """Return the zone of ``WEBSITE_TIME_ZONE`` (an IANA name, as on Linux); UTC without one that is known."""
    name = environment.get("WEBSITE_TIME_ZONE", "")
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _logger.warning("WEBSITE_TIME_ZONE '%s' is not a time zone of this system; schedules run in UTC.", name)
        return UTC


def site_name(environment: Mapping[str, str]) -> str:
    """Return the name of the site with its slot, in lower case; empty on a machine that is no site."""
    site, slot = (environment.get(name, "").lower() for name in ("WEBSITE_SITE_NAME", "WEBSITE_SLOT_NAME"))
    return f"{site}-{slot}" if site and slot not in {"", "production"} else site


def is_disabled(function: str, environment: Mapping[str, str]) -> bool:
    """Say whether ``AzureWebJobs.<function>.Disabled`` is set; Linux also takes it with underscores."""
    names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs_{function}_Disabled")
    return any(environment.get(name, "").lower() in {"1", "true"} for name in names)
