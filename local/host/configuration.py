"""host.json as the host reads it: defaults, the file, and the environment over both.

An environment variable ``AzureFunctionsJobHost__extensions__queues__batchSize`` replaces the member of that path; names
are compared without case, as .NET configuration does.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.host.concurrency import ConcurrencyOptions
from local.host.errors import FunctionError, StartupError
from local.host.log import LEVELS
from local.host.routes import Route
from local.host.timespan import parse_timespan

ANSWER_SECONDS = 230.0
"""The load balancer in front of every app gives up on an answer after this, whatever ``functionTimeout`` says."""

_OVERRIDE = "azurefunctionsjobhost__"
_HTTP = "extensions:http:"
_QUEUES = "extensions:queues:"


@dataclass(frozen=True, kw_only=True)
class QueueOptions:
    """``extensions.queues``; durations in seconds. One value for all queues of the app, as in Azure.

    The shortest pause between polls is no setting; the SDK has it as a constant.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_polling_interval: float = 60.0
    shortest_polling_interval: float = 0.1
    visibility_timeout: float = 0.0
    max_dequeue_count: int = 5
    base64: bool = True


@dataclass(frozen=True, kw_only=True)
class HstsOptions:
    """``extensions.http.hsts``: the header that binds browsers to HTTPS, as ASP.NET Core sends it."""

    enabled: bool = False
    max_age: float = 30 * 86_400.0
    include_sub_domains: bool = False
    preload: bool = False
    excluded_hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})

    def header(self, host: str) -> str | None:
        """Return the header for an HTTPS request to a host (its name without the port), or None for none."""
        if not self.enabled or host.lower() in self.excluded_hosts:
            return None
        suffix = "; includeSubDomains" * self.include_sub_domains + "; preload" * self.preload
        return f"max-age={int(self.max_age)}{suffix}"


@dataclass(frozen=True, kw_only=True)
class HttpOptions:
    """``extensions.http``; -1 requests means unbounded."""

    route_prefix: str = "api"
    max_outstanding: int = -1
    max_concurrent: int = -1
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    hsts: HstsOptions = field(default_factory=HstsOptions)
    body_limit: int = 104_857_600


@dataclass(frozen=True, kw_only=True)
class SingletonOptions:
    """``singleton``: how long a listener's lease lasts and how often one that has none tries again, in seconds.

    The lease is renewed at half of its period.
    """

    lock_period: int = 60
    recovery_interval: float = 60.0
    renewal_interval: float = 30.0


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """All of host.json that this host acts upon. ``function_timeout`` None means unbounded.

    ``bundled`` says whether an extension bundle is named: without one there is no queue extension.
    """

    queues: QueueOptions = field(default_factory=QueueOptions)
    http: HttpOptions = field(default_factory=HttpOptions)
    singleton: SingletonOptions = field(default_factory=SingletonOptions)
    concurrency: ConcurrencyOptions = field(default_factory=ConcurrencyOptions)
    function_timeout: float | None = 1800.0
    bundled: bool = False
    log_levels: Mapping[str, str] = field(default_factory=dict)


class Section:
    """A flat view of the configuration: lower-case paths joined by ``:``, with typed readers that check."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {key.lower(): value for key, value in values.items()}

    def text(self, path: str, default: str) -> str:
        """Return a string member."""
        return str(self.values.get(path.lower(), default))

    def integer(self, path: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number between ``least`` and ``most``; StartupError otherwise."""
        given = self.values.get(path.lower(), default)
        try:
            number = int(given)
        except (TypeError, ValueError):
            raise StartupError(f"host.json: {path} must be a number, not '{given}'") from None
        if not least <= number <= most:
            raise StartupError(f"host.json: {path} must be between {least} and {most}, not {number}")
        return number

    def fraction(self, path: str, default: float) -> float:
        """Return a number between 0 and 1; StartupError otherwise."""
        given = self.text(path, str(default))
        try:
            number = float(given)
        except ValueError:
            number = -1.0
        if not 0 < number <= 1:
            raise StartupError(f"host.json: {path} must be between 0 and 1, not '{given}'")
        return number

    def flag(self, path: str, default: bool) -> bool:
        """Return a member that is true or false; StartupError otherwise."""
        given = self.text(path, str(default)).lower()
        if given not in {"true", "false"}:
            raise StartupError(f"host.json: {path} must be true or false, not '{given}'")
        return given == "true"

    def seconds(self, path: str, default: float, *, least: float, most: float) -> float:
        """Return a TimeSpan member in seconds, between ``least`` and ``most``."""
        given = self.values.get(path.lower())
        if given is None:
            return default
        try:
            seconds = parse_timespan(str(given)).total_seconds()
        except ValueError as error:
            raise StartupError(f"host.json: {path}: {error}") from None
        if not least <= seconds <= most:
            low, high = timedelta(seconds=least), timedelta(seconds=most)
            raise StartupError(f"host.json: {path} must be between {low} and {high}, not {given}")
        return seconds

    def members(self, path: str) -> dict[str, str]:
        """Return what is directly below ``path``; names come out in lower case."""
        prefix = path.lower() + ":"
        return {
            key.removeprefix(prefix): "" if value is None else str(value)
            for key, value in self.values.items()
            if key.startswith(prefix)
        }


def load_host_json(app_root: Path, environment: Mapping[str, str]) -> HostOptions:
    """Read ``host.json`` of an app; StartupError says which member is wrong."""
    file = app_root / "host.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StartupError(f"there is no host.json in {app_root}") from None
    except json.JSONDecodeError as error:
        raise StartupError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("version") != "2.0":
        raise StartupError(f'{file} must be an object with "version": "2.0"')
    values = _flatten(content)
    for name, value in environment.items():
        if name.lower().startswith(_OVERRIDE):
            values[name[len(_OVERRIDE) :].replace("__", ":").lower()] = value
    return _options(Section(values), environment)


def _route_prefix(section: Section) -> str:
    prefix = section.text(_HTTP + "routePrefix", "api").strip("/")
    try:
        Route(prefix)
    except FunctionError as error:
        raise StartupError(f"host.json: {_HTTP}routePrefix: {error}") from None
    return prefix


def _options(section: Section, environment: Mapping[str, str]) -> HostOptions:
    unbounded = 2**31 - 1
    timeout = section.text("functionTimeout", "00:30:00")
    limit = environment.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "")
    return HostOptions(
        queues=_queue_options(section),
        http=HttpOptions(
            route_prefix=_route_prefix(section),
            max_outstanding=section.integer(_HTTP + "maxOutstandingRequests", -1, least=-1, most=unbounded),
            max_concurrent=section.integer(_HTTP + "maxConcurrentRequests", -1, least=-1, most=unbounded),
            custom_headers=section.members(_HTTP + "customHeaders"),
            hsts=_hsts_options(section),
            body_limit=int(limit) if limit.isdigit() else HttpOptions.body_limit,
        ),
        singleton=_singleton_options(section),
        concurrency=ConcurrencyOptions(
            enabled=section.flag("concurrency:dynamicConcurrencyEnabled", False),
            maximum=section.integer("concurrency:maximumFunctionConcurrency", 500, least=1, most=unbounded),
            cpu_threshold=section.fraction("concurrency:cpuThreshold", 0.8),
        ),
        bundled=_names_bundle(section),
        function_timeout=None if timeout == "-1" else section.seconds("functionTimeout", 1800, least=1, most=unbounded),
        log_levels=_log_levels(section),
    )


def _log_levels(section: Section) -> dict[str, str]:
    """Return the level of each category, as the logging of .NET takes them: by name, in any case, or none."""
    levels = {name: level for name, level in section.members("logging:logLevel").items() if level}
    for category, level in levels.items():
        if level.lower() not in LEVELS:
            raise StartupError(
                f"host.json: logging:logLevel:{category}: Configuration value '{level}' is not supported."
            )
    return levels


def _singleton_options(section: Section) -> SingletonOptions:
    period = int(section.seconds("singleton:listenerLockPeriod", 60, least=15, most=60))
    recovery = section.seconds("singleton:listenerLockRecoveryPollingInterval", 60, least=15, most=2**31 - 1)
    return SingletonOptions(lock_period=period, recovery_interval=recovery, renewal_interval=period / 2)


def _hsts_options(section: Section) -> HstsOptions:
    path = _HTTP + "hsts:"
    excluded = section.members(path + "excludedHosts").values()
    return HstsOptions(
        enabled=section.flag(path + "isEnabled", False),
        max_age=section.seconds(path + "maxAge", HstsOptions.max_age, least=0, most=10**10),
        include_sub_domains=section.flag(path + "includeSubDomains", False),
        preload=section.flag(path + "preload", False),
        # .NET adds what is configured to the list that is there.
        excluded_hosts=HstsOptions.excluded_hosts | {name.lower() for name in excluded},
    )


def _names_bundle(section: Section) -> bool:
    if not section.members("extensionBundle"):
        return False
    for member, form in (("id", r"[\w.]+"), ("version", r"[\[(]\s*[\d.*]*\s*(,\s*[\d.*]*\s*)?[\])]")):
        if not re.fullmatch(form, section.text(f"extensionBundle:{member}", "")):
            raise StartupError(
                f"The value of {member} property in extensionBundle section of host.json file is invalid or missing."
            )
    return True


def _queue_options(section: Section) -> QueueOptions:
    batch = section.integer(_QUEUES + "batchSize", 16, least=1, most=32)
    encoding = section.text(_QUEUES + "messageEncoding", "base64").lower()
    if encoding not in {"base64", "none"}:
        raise StartupError(f"host.json: {_QUEUES}messageEncoding must be base64 or none, not '{encoding}'")
    # The default grows with the machine: half a batch for each processor.
    threshold = batch // 2 * (os.cpu_count() or 1)
    return QueueOptions(
        batch_size=batch,
        new_batch_threshold=section.integer(_QUEUES + "newBatchThreshold", threshold, least=0, most=2**31 - 1),
        max_polling_interval=section.seconds(_QUEUES + "maxPollingInterval", 60, least=0.1, most=86_400),
        visibility_timeout=section.seconds(_QUEUES + "visibilityTimeout", 0, least=0, most=7 * 86_400),
        max_dequeue_count=section.integer(_QUEUES + "maxDequeueCount", 5, least=1, most=2**31 - 1),
        base64=encoding == "base64",
    )


def _flatten(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = {str(index): item for index, item in enumerate(value)}.items()
    else:
        return {path.lower(): value}
    flat: dict[str, Any] = {}
    for name, member in members:
        flat |= _flatten(member, f"{path}:{name}" if path else str(name))
    return flat
