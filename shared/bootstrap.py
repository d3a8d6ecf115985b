"""Builds the service from its settings: the one place where ports meet what stands behind them.

Nothing is built at import. ``get_app`` builds once per process, on first use; every client opens its connections at
its own first use.
"""

import asyncio
import os
import secrets as random_secrets
import uuid
from datetime import UTC, datetime

from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphCall, GraphClient
from shared.graph.entra import EntraApp
from shared.graph.grants import Grants
from shared.graph.meetings import GraphMeetings
from shared.graph.meter import GraphMeter
from shared.graph.oauth import EntraConsent, EntraTokens
from shared.graph.schedules import GraphSchedules
from shared.graph.subscriptions import GraphSubscriptions
from shared.log import Metric, log_metric, log_often, quiet_libraries
from shared.ports import Clock, Ports
from shared.service import App, build
from shared.settings import Settings
from shared.store.auth_states import TableAuthStates
from shared.store.azure import AppIdentity
from shared.store.confirmations import TableConfirmations
from shared.store.conflicts import TableConflicts
from shared.store.due import TableDueList
from shared.store.history import TableChanges, TableRuns
from shared.store.integrations import TableIntegrations
from shared.store.leases import TableLeases
from shared.store.mappings import TableMappings
from shared.store.meetings import TableMeetingRequests
from shared.store.queues import StorageJobQueue
from shared.store.rate_limits import TableRateLimits
from shared.store.rows import Table
from shared.store.rules import TableResolutionRules
from shared.store.run_items import TableRunItems
from shared.store.secrets import VaultSecrets
from shared.store.subscriptions import TableSubscriptionRows
from shared.store.tables import AzureTables
from shared.wedsync.client import WedSyncClient
from shared.wedsync.events import WedSyncApi
from shared.wedsync.tokens import JwtUserTokens


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present in UTC."""
        return datetime.now(UTC)


class RandomIds:
    """The machine's randomness."""

    def new_id(self) -> str:
        """Return a random UUID."""
        return str(uuid.uuid4())

    def new_secret(self) -> str:
        """Return 32 random bytes."""
        return random_secrets.token_urlsafe(32)


def ports_of(settings: Settings) -> Ports:
    """Return the real things behind the ports. Nothing is opened yet."""
    clock, ids = SystemClock(), RandomIds()
    identity = AppIdentity(
        managed_identity_client_id=settings.managed_identity_client_id, ca_file=settings.trusted_ca_file
    )
    tables, jobs = _storage(settings, identity)
    vault = _vault(settings, identity, clock)
    entra = EntraApp(
        client_id=settings.azure_client_id,
        tenant_id=settings.azure_tenant_id,
        authority_host=settings.authority_host,
        ca_file=settings.trusted_ca_file,
    )
    grants = Grants(secrets=vault, leases=TableLeases(tables, clock, row="grant-lease"), clock=clock, new_id=ids.new_id)
    tokens = EntraTokens(entra, grants=grants, secrets=vault, clock=clock)
    meter = GraphMeter()

    def sent(call: GraphCall) -> None:
        meter.note(call)
        _log_graph_call(call)

    graph = GraphClient(
        base_url=settings.graph_base_url,
        tokens=tokens,
        new_id=ids.new_id,
        ca_file=settings.trusted_ca_file,
        on_request=sent,
    )
    wedsync = WedSyncClient(base_url=settings.wedsync_api_url, secrets=vault, ca_file=settings.trusted_ca_file)
    return Ports(
        clock=clock,
        ids=ids,
        secrets=vault,
        outlook=GraphOutlook(graph),
        schedules=GraphSchedules(graph),
        meetings=GraphMeetings(graph),
        meter=meter,
        subscriptions=GraphSubscriptions(
            graph,
            notification_url=f"{settings.public_base_url}/api/calendar/outlook/webhook",
            lifecycle_url=f"{settings.public_base_url}/api/calendar/outlook/lifecycle",
        ),
        consent=EntraConsent(entra, tokens=tokens, redirect_uri=settings.azure_redirect_uri),
        wedsync=WedSyncApi(wedsync),
        user_tokens=JwtUserTokens(
            wedsync,
            jwks_url=settings.wedsync_jwks_url,
            issuer=settings.wedsync_jwt_issuer,
            audience=settings.wedsync_jwt_audience,
            clock=clock,
        ),
        integrations=TableIntegrations(tables, on_read=tokens.belongs),
        mappings=TableMappings(tables),
        conflicts=TableConflicts(tables),
        rules=TableResolutionRules(tables),
        meeting_requests=TableMeetingRequests(tables),
        confirmations=TableConfirmations(tables),
        runs=TableRuns(tables),
        run_items=TableRunItems(tables),
        changes=TableChanges(tables),
        rows=TableSubscriptionRows(tables),
        states=TableAuthStates(tables, clock),
        leases=TableLeases(tables, clock),
        due=TableDueList(tables),
        limits=TableRateLimits(tables),
        jobs=jobs,
        probes={
            "tables": lambda: tables.get(Table.INTEGRATIONS, "health", "health"),
            "queues": jobs.reach,
            "vault": lambda: vault.get("health"),
            "entra": lambda: asyncio.to_thread(entra.reach),
            "graph": graph.reach,
            "wedsync": lambda: wedsync.fetch(settings.wedsync_jwks_url),
        },
        closers=(graph.close, wedsync.close, vault.close, tables.close, jobs.close, identity.close),
    )


def _storage(settings: Settings, identity: AppIdentity) -> tuple[AzureTables, StorageJobQueue]:
    tables = AzureTables(
        connection_string=settings.storage_connection_string,
        endpoint=settings.storage_table_uri,
        credential=identity.credential,
        ca_file=settings.trusted_ca_file,
    )
    jobs = StorageJobQueue(
        connection_string=settings.storage_connection_string,
        endpoint=settings.storage_queue_uri,
        credential=identity.credential,
        ca_file=settings.trusted_ca_file,
    )
    return tables, jobs


def queues_of(settings: Settings) -> StorageJobQueue:
    """Return the queues alone, for tools that look at what failed for good."""
    identity = AppIdentity(
        managed_identity_client_id=settings.managed_identity_client_id, ca_file=settings.trusted_ca_file
    )
    return _storage(settings, identity)[1]


def _vault(settings: Settings, identity: AppIdentity, clock: Clock) -> VaultSecrets:
    return VaultSecrets(
        vault_url=settings.key_vault_url,
        credential=identity.credential,
        clock=clock,
        verify_challenge_resource=settings.key_vault_verify_challenge,
        ca_file=settings.trusted_ca_file,
    )


def _log_graph_call(call: GraphCall) -> None:
    facts: dict[str, str | int] = {
        "integration": call.integration_id,
        "method": call.method,
        "path": call.template,
        "status": call.status,
        "parts": call.parts,
        "client_request_id": call.client_request_id,
        "request_id": call.request_id,
    }
    if 200 <= call.status < 300:
        log_often(Metric.GRAPH_REQUEST, call.milliseconds, kind=f"{call.method} {call.template}", **facts)
    else:
        log_metric(Metric.GRAPH_REQUEST, call.milliseconds, **facts)
    if call.status in (429, 503):
        log_metric(Metric.GRAPH_THROTTLED, integration=call.integration_id)


_app: App | None = None


def get_app() -> App:
    """Return the app of this process; built at the first call. ``SettingsFault`` names every wrong setting."""
    global _app
    if _app is None:
        quiet_libraries()
        settings = Settings.from_environ(os.environ)
        _app = build(settings, ports_of(settings))
    return _app
