"""A planner's season: WedSync events and a lived-in mailbox, the same on every machine for the same day."""

from local.season.load import LoadReport, load
from local.season.mailbox import mailbox_events
from local.season.wedsync import wedsync_events

__all__ = ["LoadReport", "load", "mailbox_events", "wedsync_events"]
