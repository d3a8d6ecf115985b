"""All faults of the engine, by the rule of the sync that they break."""

from tests.mutants import (
    engine_connection,
    engine_content,
    engine_deletions,
    engine_merge,
    engine_runs,
    engine_writes,
)

MUTANTS = (
    *engine_merge.MUTANTS,
    *engine_writes.MUTANTS,
    *engine_deletions.MUTANTS,
    *engine_content.MUTANTS,
    *engine_connection.MUTANTS,
    *engine_runs.MUTANTS,
)

RULES = (
    "Neutral event",
    "Three-way merge",
    "Decision table",
    "Resolution rules",
    "Order",
    "Echo",
    "Exactly-once create",
    "Guarded writes",
    "No guest mailed",
    "Deletion needs proof",
    "Guard",
    "Bodies",
    "Time",
    "Recurrence",
    "Preferences",
    "Travel blocks",
    "Direction",
    "Changing calendar",
    "One calendar",
    "Account",
    "Disconnect is fenced",
    "Two lanes",
    "Handing back",
    "Quarantine",
    "Window",
    "History",
    "Cursors last",
)
"""The headings under which the engine's rules are written down; each is broken by at least one of ``MUTANTS``."""
