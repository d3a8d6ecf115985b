"""What Microsoft's worker library finds in ``function_app.py``, in a process of its own, against a written list."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
API = "HTTP"
QUEUE = "queue"
TIMER = "timer"

EXPECTED = {
    ("begin_connect", API, "GET", "calendar/outlook/auth"),
    ("finish_connect", API, "POST", "calendar/outlook/auth/callback"),
    ("browser_begin_connect", API, "GET", "integrations/outlook/auth"),
    ("browser_finish_connect", API, "GET", "integrations/outlook/callback"),
    ("sync_status", API, "GET", "calendar/outlook/sync"),
    ("sync_start", API, "POST", "calendar/outlook/sync"),
    ("sync_job", API, "GET", "calendar/outlook/sync/{syncId}"),
    ("sync_cancel", API, "DELETE", "calendar/outlook/sync/{syncId}"),
    ("sync_preview", API, "POST", "calendar/outlook/sync/preview"),
    ("sync_confirm", API, "POST", "calendar/outlook/sync/confirm"),
    ("undo_sync", API, "POST", "calendar/outlook/sync/{syncId}/undo"),
    ("explain_event", API, "GET", "calendar/outlook/events/{eventId}/explain"),
    ("restore_event", API, "POST", "calendar/outlook/events/{eventId}/restore"),
    ("list_events", API, "GET", "calendar/outlook/events"),
    ("resolve_conflict", API, "POST", "calendar/outlook/events/{eventId}/resolve"),
    ("availability", API, "GET", "calendar/outlook/availability"),
    ("make_meeting", API, "POST", "calendar/outlook/meetings"),
    ("change_meeting", API, "PATCH", "calendar/outlook/meetings/{eventId}"),
    ("cancel_meeting", API, "DELETE", "calendar/outlook/meetings/{eventId}"),
    ("change_settings", API, "PUT", "calendar/outlook/settings"),
    ("force_sync", API, "POST", "calendar/outlook/events/{eventId}/force-sync"),
    ("list_calendars", API, "GET", "calendar/outlook/calendars"),
    ("disconnect", API, "DELETE", "calendar/outlook/integration"),
    ("graph_webhook", API, "POST", "calendar/outlook/webhook"),
    ("graph_webhook_alias", API, "POST", "webhooks/outlook"),
    ("graph_lifecycle", API, "POST", "calendar/outlook/lifecycle"),
    ("wedsync_webhook", API, "POST", "webhooks/wedsync"),
    ("health", API, "GET", "health"),
    ("api_document", API, "GET", "openapi.json"),
    ("without_route", API, "", "{*path}"),
    ("event_jobs", QUEUE, "SyncStorage", "outlook-event-jobs"),
    ("run_jobs", QUEUE, "SyncStorage", "outlook-run-jobs"),
    ("upkeep_jobs", QUEUE, "SyncStorage", "outlook-upkeep-jobs"),
    ("event_jobs_poison", QUEUE, "SyncStorage", "outlook-event-jobs-poison"),
    ("run_jobs_poison", QUEUE, "SyncStorage", "outlook-run-jobs-poison"),
    ("upkeep_jobs_poison", QUEUE, "SyncStorage", "outlook-upkeep-jobs-poison"),
    ("renew_subscriptions", TIMER, "", "0 */5 * * * *"),
    ("safety_sync", TIMER, "", "0 * * * * *"),
    ("reconcile", TIMER, "", "0 7 * * * *"),
    ("refresh_idle_tokens", TIMER, "", "0 23 3 * * *"),
    ("prune_history", TIMER, "", "0 41 2 * * *"),
}

INDEX = """
import json
from pathlib import Path
from local.host.worker import index
functions = index(Path.cwd())
print(json.dumps([[one.name, one.trigger.type, one.trigger.members, len(one.bindings)] for one in functions]))
"""


def indexed() -> list[tuple[str, str, dict[str, object], int]]:
    """Index the app with nothing set but where Python and its modules are."""
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", INDEX],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [(name, kind, members, count) for name, kind, members, count in json.loads(done.stdout.splitlines()[-1])]


def described(name: str, kind: str, members: dict[str, object]) -> tuple[str, str, str, str]:
    """Return a function as a line of the written list. Callers prove who they are, not the platform: ANONYMOUS."""
    match kind:
        case "httpTrigger":
            assert members["authLevel"] == "ANONYMOUS"
            methods = members.get("methods") or []
            assert isinstance(methods, list)
            return name, API, ",".join(methods), str(members["route"])
        case "queueTrigger":
            return name, QUEUE, str(members["connection"]), str(members["queueName"])
        case "timerTrigger":
            return name, TIMER, "", str(members["schedule"])
    raise AssertionError(f"{name} has a trigger of an unknown kind: {kind}")


def test_the_worker_finds_the_functions_of_the_written_list() -> None:
    found = indexed()
    assert len({name for name, *_ in found}) == len(found)
    assert {described(name, kind, members) for name, kind, members, _ in found} == EXPECTED


def test_triggers_come_with_nothing_but_their_own_answer() -> None:
    """HTTP functions have the trigger and its output; queue and timer functions the trigger alone."""
    for name, kind, _, bindings in indexed():
        assert bindings == (2 if kind == "httpTrigger" else 1), name
