"""Switches for what the evidence leaves open. ``POST /_control/knobs`` sets them; the defaults are here."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from local.simkit.bodies import number


@dataclass(kw_only=True)
class Knobs:
    """Names are those of the control API. A reset restores the defaults.

    ``latencySeconds`` is spent by every request while it holds its mailbox slot. ``concurrentRequests``,
    ``concurrencyStatus``, ``retryAfterSeconds``, ``requestsPerTenMinutes``: S56, S57;
    ``countRefused``: requests that were refused for the rate count towards it (S57). ``subjectLimit``,
    ``trimSubject``: S19. ``allDayShowAs``: S15. ``duplicateTransactionStatus``, ``duplicateTransactionNamesEvent``:
    S16. ``spurious412``, ``concurrentItemSave``: so many coming PATCH requests fail (S25). ``deletedItemsSeconds``:
    how long a deleted item answers 400 to a second DELETE (S26). ``originalStart``: returned on exceptions (S30).
    ``listAllCalendars``: ``/me/events`` lists every calendar (S37). ``deltaPageSize``: so many are a page unless
    asked otherwise; ``deltaMostPerPage``: whatever was asked for (S44). ``deltaEmptyPages``, ``deltaShuffle``,
    ``deltaReplay`` (so many items before the token come again), ``deltaOccurrenceTombstones``,
    ``deltaForeignTombstones``: S38-S42. ``goneStatus``, ``goneCode``, ``goneLocation``: the answer to an expired
    delta token (S43). ``keepExceptions``: a changed pattern keeps exceptions (section 9, item 3).
    ``maxSubscriptionMinutes``, ``maxRichSubscriptionMinutes`` (with resource data), ``refuseLongSubscriptions``: S47.
    ``maxSubscriptions``: S48. ``notifyMilliseconds``: how long notifications gather before one POST.
    ``notifyExtraUpdates``: so many ``updated`` follow each ``created``. ``emptyTenantId``: in notifications of
    personal accounts (S49). ``lifecycleForPersonal``: S52.
    ``acknowledgeSeconds``, ``retryAllowanceSeconds``: how long a first and a later POST of a notification may take;
    ``retryBaseSeconds``: first pause after a failed one, doubled each time; ``endpointSample``: so many answers are
    needed to judge an endpoint slow (S50). ``pauseWhenTokenExpires``: delivery stops when the access token of the
    subscription runs out, which the documentation says and integrators do not see (S54). ``validationSeconds``: S46.
    ``mailboxNotEnabled``: the owner (upn) of a mailbox that answers 404 MailboxNotEnabledForRESTAPI (S61).
    ``calendarIdChangeSeconds``: so long after it was made a calendar gets its final id; -1 is never (S62).
    ``visibilitySeconds``: lists, calendarView and delta show each write up to so much later, at random from
    ``visibilitySeed``, while a GET by id sees it at once (S64).
    ``cancelledPrefix``: before a cancelled meeting's subject in an attendee's copy, in their language, and
    ``cancelledShowAs`` (S34). ``attendeeEdit``: what an attendee's PATCH of the organizer's members does: ``refuse``,
    ``keep`` or ``ignore``. ``resetAnswersOnMove``: a meeting at another time asks everybody again (S33).
    ``maxSchedules``: how many addresses getSchedule takes: documented 20, seen 100; ``workingElsewhereDigit``: "0" or
    "4" in its availabilityView; ``personalRefusal``: 400 or 401 where a personal account lacks a calendar API
    (S60, S63). ``joinUrlReads``: after so many reads the join link of an online meeting is there (S35).
    """

    latencySeconds: float = 0.0
    concurrentRequests: int = 4
    concurrencyStatus: int = 429
    retryAfterSeconds: float = 1.0
    requestsPerTenMinutes: int = 10_000
    countRefused: bool = True
    subjectLimit: int = 255
    trimSubject: bool = False
    allDayShowAs: str = "busy"
    duplicateTransactionStatus: int = 400
    duplicateTransactionNamesEvent: bool = False
    spurious412: int = 0
    concurrentItemSave: int = 0
    deletedItemsSeconds: float = 3600.0
    originalStart: bool = False
    listAllCalendars: bool = False
    deltaPageSize: int = 10
    deltaMostPerPage: int = 1000
    deltaEmptyPages: bool = False
    deltaShuffle: int = 0
    deltaReplay: int = 0
    deltaOccurrenceTombstones: bool = False
    deltaForeignTombstones: bool = True
    goneStatus: int = 410
    goneCode: str = "SyncStateNotFound"
    goneLocation: bool = False
    keepExceptions: bool = False
    maxSubscriptionMinutes: int = 10_080
    maxRichSubscriptionMinutes: int = 1_440
    refuseLongSubscriptions: bool = True
    maxSubscriptions: int = 1000
    notifyMilliseconds: float = 60.0
    notifyExtraUpdates: int = 0
    emptyTenantId: bool = False
    lifecycleForPersonal: bool = False
    acknowledgeSeconds: float = 3.0
    retryAllowanceSeconds: float = 10.0
    retryBaseSeconds: float = 0.5
    endpointSample: int = 100
    pauseWhenTokenExpires: bool = False
    validationSeconds: float = 10.0
    mailboxNotEnabled: str = ""
    cancelledPrefix: str = "Canceled: "
    cancelledShowAs: str = "free"
    attendeeEdit: str = "refuse"
    resetAnswersOnMove: bool = True
    maxSchedules: int = 20
    workingElsewhereDigit: str = "0"
    personalRefusal: int = 400
    joinUrlReads: int = 0
    calendarIdChangeSeconds: float = -1.0
    visibilitySeconds: float = 0.0
    visibilitySeed: int = 0

    def turn(self, wanted: dict[str, Any]) -> None:
        """Set knobs by name; ValueError names one that does not exist or has another type, and none is set."""
        turned = {name: self._fitting(name, value) for name, value in wanted.items()}
        for name, value in turned.items():
            setattr(self, name, value)

    def _fitting(self, name: str, value: Any) -> Any:
        old = getattr(self, name, None) if name in asdict(self) else None
        if old is None:
            raise ValueError(f"unknown knob {name!r}; one of {', '.join(asdict(self))}")
        if isinstance(old, float):
            return number({name: value}, name)
        if type(value) is not type(old):
            raise ValueError(f"knob {name!r} takes a {type(old).__name__}")
        return value

    def reset(self) -> None:
        """Restore the documented defaults."""
        for item in fields(self):
            setattr(self, item.name, item.default)
