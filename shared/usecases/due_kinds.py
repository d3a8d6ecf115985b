"""What can be due, as the list of due things and the timers name it."""

RENEWAL = "renew-subscription"
SAFETY = "safety-sync"
RECONCILE = "reconcile"
