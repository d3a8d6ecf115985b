"""How Graph judges the hosts that take its notifications: the slow and the drop state (S50).

The figures are those of the documentation since April 2026 (microsoft-graph-docs-contrib #9863): more than 10 % of the
answers in ten minutes over the 3 s allowance make a host slow, and what is new for it comes ten minutes later; more
than 15 % over the 10 s allowance of a retry make it drop, and what is for it is thrown away for ten minutes. After each
ten minutes a few notifications decide whether the state ends; here it is the first answer that decides. How many
answers are needed for a judgement is said by the edition of 2023 only: a hundred.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from local.graph.knobs import Knobs

WINDOW = timedelta(minutes=10)
_SLOW_SHARE, _DROP_SHARE = 0.10, 0.15


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    at: datetime
    slow: bool
    overdue: bool


@dataclass(slots=True)
class _Endpoint:
    state: str = "good"
    since: datetime | None = None
    answers: deque[_Answer] = field(default_factory=deque)


class Endpoints:
    """The state of each host, by its network location, as all subscriptions to it share it."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._known: dict[str, _Endpoint] = {}

    def drops(self, url: str, now: datetime) -> bool:
        """Whether what is for this URL is thrown away now."""
        known = self._of(url)
        return known.state == "drop" and not _over(known, now)

    def delay(self, url: str) -> timedelta:
        """How much later a new notification is sent."""
        return WINDOW if self._of(url).state == "slow" else timedelta()

    def answered(self, url: str, now: datetime, seconds: float) -> None:
        """Judge the host anew after an answer that took so long; a timeout is an answer that took its allowance."""
        known, knobs = self._of(url), self._knobs
        answer = _Answer(
            at=now, slow=seconds >= knobs.acknowledgeSeconds, overdue=seconds >= knobs.retryAllowanceSeconds
        )
        if known.state != "good" and _over(known, now):
            self._tried(known, answer)
            return
        known.answers.append(answer)
        while known.answers[0].at <= now - WINDOW:
            known.answers.popleft()
        if len(known.answers) < knobs.endpointSample or known.state == "drop":
            return
        if _share([each.overdue for each in known.answers]) > _DROP_SHARE:
            known.state, known.since = "drop", now
        elif known.state == "good" and _share([each.slow for each in known.answers]) > _SLOW_SHARE:
            known.state, known.since = "slow", now

    def states(self) -> dict[str, str]:
        """Return the state of each host, for the control API."""
        return {host: known.state for host, known in self._known.items()}

    def clear(self) -> None:
        """Forget every host."""
        self._known.clear()

    def _of(self, url: str) -> _Endpoint:
        return self._known.setdefault(urlsplit(url).netloc, _Endpoint())

    def _tried(self, known: _Endpoint, answer: _Answer) -> None:
        """Let the first answer after ten minutes end or prolong the state."""
        bad = answer.overdue if known.state == "drop" else answer.slow
        known.state, known.since = (known.state, answer.at) if bad else ("good", None)
        known.answers.clear()


def _over(known: _Endpoint, now: datetime) -> bool:
    return known.since is not None and now >= known.since + WINDOW


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)
