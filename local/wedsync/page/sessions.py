"""Who is signed in in which browser. Kept in memory: a restart signs everybody out."""

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from local.simkit.people import PLANNERS, Planner
from local.wedsync.problems import Problem

COOKIE = "wedsync_session"
_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A message for the next page."""

    kind: Literal["good", "bad"]
    text: str


@dataclass(kw_only=True)
class Session:
    """One browser. ``mailbox`` is the connected account's address as the sync service last named it; ``words``
    is the filter."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    planner: Planner | None = None
    mailbox: str = ""
    warned: bool = False
    words: str = ""
    notices: list[Notice] = field(default_factory=list)

    def tell(self, kind: Literal["good", "bad"], text: str) -> None:
        """Leave a message for the next page."""
        self.notices.append(Notice(kind=kind, text=text))

    def take_notices(self) -> list[Notice]:
        """Return the messages once."""
        taken, self.notices = self.notices, []
        return taken

    def check(self, token: str) -> None:
        """Refuse a form that is not from a page of this session."""
        if not hmac.compare_digest(token.encode(), self.csrf.encode()):
            raise Problem(403, "csrf", "This form is from an earlier page. Go back, reload and try again.")


class Sessions:
    """The sessions by their cookie; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._kept: dict[str, Session] = {}

    def of(self, request: Request) -> Session:
        """Return the browser's session, or a new one."""
        found = self._kept.get(request.cookies.get(COOKIE, ""))
        return found or Session()

    def keep(self, session: Session, response: Response) -> None:
        """Remember the session and see that the browser holds its cookie."""
        if session.id not in self._kept:
            self._kept[session.id] = session
            while len(self._kept) > _MOST:
                self._kept.pop(next(iter(self._kept)))
        response.set_cookie(COOKIE, session.id, httponly=True, samesite="lax", path="/")

    def sign_in(self, session: Session, user_id: str) -> Session:
        """Return a fresh session for the planner, so that an id from before sign-in is worth nothing."""
        planner = next((planner for planner in PLANNERS if planner.user_id == user_id), None)
        if planner is None:
            raise Problem(404, "user_not_found", "There is no such planner.")
        self._kept.pop(session.id, None)
        return Session(planner=planner)

    def sign_out(self, session: Session) -> Session:
        """Forget the session."""
        self._kept.pop(session.id, None)
        return Session()
