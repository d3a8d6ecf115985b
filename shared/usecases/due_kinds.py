"""What can be due, as the list of due things and the timers name it."""

RENEWAL = "renew-subscription"
SAFETY = "safety-sync"
RECONCILE = "reconcile"
CHECK = "check-subscription"
TOKEN = "renew-token"  # noqa: S105 - what is due, no secret
PRUNE = "prune-history"
