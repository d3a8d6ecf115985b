"""The whole stand as one object: storage, the simulators and the host, each a process of its own.

``async with Stand(work_folder=…) as stand`` brings everything up on free ports; ``make run`` gives the fixed ones. The
certificate authority stays in the work folder; everything else lives in the memory of the processes. All of them live
by one clock, which ``advance`` moves.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from local import azurite, provision
from local.children import ROOT, Child, StandError, start_child
from local.entra.identity import IDENTITY_HEADER
from local.season.load import load as load_season
from local.simkit.clock import VARIABLE, ClockFile
from local.simkit.tls import certificates

CLIENT_ID = "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"
AUDIENCE = "wedsync-outlook-sync"
CALLBACK_PATH = "/api/integrations/outlook/callback"
SERVICE_TOKEN = provision.SECRETS["wedsync-service-token"]
WEBHOOK_SECRET = provision.SECRETS["wedsync-webhook-secret"]

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where everything listens. Azurite takes ``blob`` and the next two."""

    blob: int = 10000
    host: int = 7071
    host_https: int = 7443
    entra: int = 7101
    graph: int = 7102
    vault: int = 7103
    wedsync: int = 7104
    identity: int = 7105

    @classmethod
    def free(cls) -> "Ports":
        """Return ports that nobody uses at this moment."""
        first = azurite.free_port(consecutive=10)
        names = ("host", "host_https", "entra", "graph", "vault", "wedsync", "identity")
        return cls(blob=first, **{name: first + 3 + offset for offset, name in enumerate(names)})

    def named(self) -> dict[str, int]:
        """Return each port by the name of what listens there."""
        return {
            "Azurite's blobs": self.blob,
            "Azurite's queues": self.blob + 1,
            "Azurite's tables": self.blob + 2,
            "the Functions host": self.host,
            "the Functions host (https)": self.host_https,
            "simulated Entra": self.entra,
            "simulated Graph": self.graph,
            "simulated Key Vault": self.vault,
            "simulated WedSync": self.wedsync,
            "the managed identity endpoint": self.identity,
        }


@dataclass(frozen=True, kw_only=True)
class Urls:
    """Base addresses, without a slash at the end. ``public`` is the host over https."""

    ports: Ports

    @property
    def host(self) -> str:
        """The host over plain HTTP."""
        return f"http://localhost:{self.ports.host}"

    @property
    def public(self) -> str:
        """The host over HTTPS, which Graph and browsers are told."""
        return f"https://localhost:{self.ports.host_https}"

    @property
    def entra(self) -> str:
        """Simulated Entra."""
        return f"https://localhost:{self.ports.entra}"

    @property
    def graph(self) -> str:
        """Simulated Graph's root, without ``/v1.0``."""
        return f"https://localhost:{self.ports.graph}"

    @property
    def vault(self) -> str:
        """Simulated Key Vault."""
        return f"https://localhost:{self.ports.vault}"

    @property
    def wedsync(self) -> str:
        """Simulated WedSync: page, Events API and token issuer."""
        return f"http://localhost:{self.ports.wedsync}"

    @property
    def identity(self) -> str:
        """The managed identity endpoint."""
        return f"http://127.0.0.1:{self.ports.identity}/msi/token"

    @property
    def jwks(self) -> str:
        """Where simulated Entra publishes its signing keys."""
        return f"{self.entra}/common/discovery/v2.0/keys"


@dataclass(kw_only=True)
class Stand:
    """Everything that stands in for the cloud, and the host with the app.

    ``host_environment`` is added to the app's settings. ``season`` says whether the sample planners' calendars are
    loaded. ``children`` are the running processes by name; each writes ``logs/{name}.log`` in the work folder.
    """

    work_folder: Path
    ports: Ports = field(default_factory=Ports.free)
    app_root: Path = ROOT
    season: bool = True
    host_environment: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default=lambda _: None)
    children: dict[str, Child] = field(default_factory=dict)
    _azurite: azurite.Azurite | None = None

    def __post_init__(self) -> None:
        self.work_folder = self.work_folder.resolve()
        self.urls = Urls(ports=self.ports)
        self.clock = ClockFile(self.work_folder / "clock")
        self.certificates = certificates(self.work_folder / "tls")
        self.trust = ssl.create_default_context(cafile=str(self.certificates.ca_file))

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def connection_string(self) -> str:
        """Azurite's connection string."""
        return azurite.connection_string(self.ports.blob)

    @property
    def ca_file(self) -> Path:
        """The CA that everything on the stand is signed with."""
        return self.certificates.ca_file

    def log(self, name: str = "host") -> str:
        """Return what a child has printed so far."""
        return self._log_file(name).read_text(errors="replace")

    def dead(self) -> str | None:
        """Say which process has ended by itself, or None while all run."""
        if self._azurite is not None and self._azurite.process.poll() is not None:
            return f"Azurite ended with code {self._azurite.process.returncode}"
        return next((child.obituary() for child in self.children.values() if not child.alive), None)

    def pids(self) -> dict[str, int]:
        """Return the process id of everything that was started, Azurite included; the host's worker is its child."""
        found = {name: child.process.pid for name, child in self.children.items()}
        return found if self._azurite is None else {"azurite": self._azurite.process.pid, **found}

    def advance(self, time: timedelta | float) -> None:
        """Move the time of every process of the stand at once, by a ``timedelta`` or by seconds.

        What it does not move is listed in ``docs/fidelity.md``: this process among others, whose time ``now`` tells.
        """
        self.clock.add(time.total_seconds() if isinstance(time, timedelta) else time)

    def now(self) -> datetime:
        """Return the stand's time."""
        return datetime.now(UTC) + timedelta(seconds=self.clock.read())

    async def start_host(self, name: str = "host", *, port: int | None = None, https_port: int | None = None) -> Child:
        """Start a host and wait until it answers; a second one takes another name and other ports."""
        port = port or self.ports.host
        arguments = ["local.host", "--app-root", str(self.app_root), "--port", str(port)]
        arguments += ["--https-port", str(https_port or self.ports.host_https), "--drain-seconds", "15"]
        arguments += ["--certificate", str(self.certificates.server_file)]
        settings = self.work_folder / "no-local-settings.json"
        child = self._start_child(
            name,
            [*arguments, "--settings", str(settings)],
            environment={**self.app_settings(), **self.host_environment},
        )
        await asyncio.to_thread(child.wait_ready, f"http://127.0.0.1:{port}/admin/host/status", self.trust)
        return child

    def kill_host(self, name: str = "host") -> None:
        """End a host with SIGKILL: nothing is finished, leases and messages stay held until they run out."""
        self.children.pop(name).kill()

    async def stop_host(self, name: str = "host") -> None:
        """Let a host drain and end."""
        child = self.children.pop(name)
        child.terminate()
        await asyncio.to_thread(child.wait_stopped)

    async def load_season(self) -> None:
        """Replace what the sample people's calendars hold by the season."""
        report = await asyncio.to_thread(
            load_season, graph_url=self.urls.graph, wedsync_url=self.urls.wedsync, ca_file=self.ca_file
        )
        for name, count in (report.users | report.mailboxes).items():
            self.progress(f"  {count:4} events for {name}")

    def app_settings(self) -> dict[str, str]:
        """Return the environment of the app: what its settings would be in Azure, with the stand's addresses."""
        urls = self.urls
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": self.connection_string,
            "SyncStorage": self.connection_string,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_TENANT_ID": "common",
            "AZURE_REDIRECT_URI": urls.public + CALLBACK_PATH,
            "MICROSOFT_AUTHORITY_HOST": urls.entra,
            "GRAPH_BASE_URL": f"{urls.graph}/v1.0",
            "KEY_VAULT_URL": urls.vault,
            "KEY_VAULT_VERIFY_CHALLENGE": "false",
            "PUBLIC_BASE_URL": urls.public,
            "WEDSYNC_API_URL": urls.wedsync,
            "WEDSYNC_APP_URL": urls.wedsync,
            "WEDSYNC_JWKS_URL": f"{urls.wedsync}/.well-known/jwks.json",
            "WEDSYNC_JWT_ISSUER": urls.wedsync,
            "WEDSYNC_JWT_AUDIENCE": AUDIENCE,
            "TRUSTED_CA_FILE": str(self.ca_file),
            "IDENTITY_ENDPOINT": urls.identity,
            "IDENTITY_HEADER": IDENTITY_HEADER,
            # The shortest that the host takes: after a crash the timers come back in seconds, not in minutes.
            "AzureFunctionsJobHost__singleton__listenerLockPeriod": "00:00:15",
            "AzureFunctionsJobHost__singleton__listenerLockRecoveryPollingInterval": "00:00:15",
            # Here somebody watches, or a test counts: each invocation is written, also of what runs all the time.
            **{
                f"AzureFunctionsJobHost__logging__logLevel__Function.{function}": "Information"
                for function in ("event_jobs", "run_jobs", "upkeep_jobs", "safety_sync")
            },
        }

    async def stop(self) -> None:
        """End everything, the hosts first, so that they can finish what they began."""
        hosts = [child for name, child in self.children.items() if name.startswith("host")]
        others = [child for name, child in self.children.items() if not name.startswith("host")]
        for group in (hosts, others):
            for child in group:
                child.terminate()
            await asyncio.gather(*(asyncio.to_thread(child.wait_stopped) for child in group))
        self.children.clear()
        if self._azurite is not None:
            await asyncio.to_thread(self._azurite.stop)
            self._azurite = None

    async def _start(self) -> None:
        for name, port in self.ports.named().items():
            if not azurite.is_free(port):
                raise StandError(f"port {port}, which {name} needs, is taken by another process")
        self.clock.write(0)
        self.progress("Azurite: tables, queues and blobs")
        log_file = self._log_file("azurite")
        log_file.parent.mkdir(parents=True, exist_ok=True)
        starting = asyncio.ensure_future(
            asyncio.to_thread(azurite.start, blob_port=self.ports.blob, log_file=log_file, environment=self._clocked)
        )
        try:
            self._azurite = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on: what it starts has to be known, so that it can be stopped.
            self._azurite = await starting
            raise
        await provision.create_storage(self.connection_string)
        await self._start_simulators()
        self.progress("secrets into the simulated Key Vault")
        await provision.set_secrets(vault_url=self.urls.vault, identity_endpoint=self.urls.identity, trust=self.trust)
        if self.season:
            self.progress("a planner's season into the calendars")
            await self.load_season()
        self.progress("the Functions host")
        await self.start_host()

    async def _start_simulators(self) -> None:
        urls, ports = self.urls, self.ports
        tls = ["--tls-folder", str(self.work_folder / "tls")]
        redirect = ["--redirect-uri", urls.public + CALLBACK_PATH]
        waiting = []
        for name, base, arguments in (
            (
                "entra",
                urls.entra,
                ["--port", str(ports.entra), "--identity-port", str(ports.identity), *tls, *redirect],
            ),
            ("graph", urls.graph, ["--port", str(ports.graph), *tls, "--jwks-url", urls.jwks]),
            ("keyvault", urls.vault, ["--port", str(ports.vault), *tls, "--jwks-url", urls.jwks]),
            ("wedsync", urls.wedsync, self._wedsync_arguments()),
        ):
            self.progress(f"simulated {name} at {base}")
            child = self._start_child(name, [f"local.{name}", *arguments])
            waiting.append(asyncio.to_thread(child.wait_ready, f"{base}/_control/health", self.trust))
        await asyncio.gather(*waiting)

    def _wedsync_arguments(self) -> list[str]:
        urls = self.urls
        given = {
            "--port": str(self.ports.wedsync),
            "--base-url": urls.wedsync,
            "--functions-url": urls.host,
            "--browser-functions-url": urls.public,
            "--graph-url": urls.graph,
            "--ca": str(self.ca_file),
            "--service-token": SERVICE_TOKEN,
            "--webhook-secret": WEBHOOK_SECRET,
        }
        return [text for pair in given.items() for text in pair]

    def _start_child(self, name: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> Child:
        whole = {**(environment or {}), **self._clocked}
        child = start_child(name, arguments, log_file=self._log_file(name), environment=whole)
        self.children[name] = child
        return child

    @property
    def _clocked(self) -> dict[str, str]:
        return {VARIABLE: str(self.clock.path)}

    def _log_file(self, name: str) -> Path:
        return self.work_folder / "logs" / f"{name}.log"
