"""What the simulated directory remembers: the application, codes, refresh tokens, consent, sessions."""

from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from local.entra.errors import Occasion, correlation_id
from local.entra.knobs import Knobs
from local.entra.tokens import Mint
from local.simkit.clock import Clock
from local.simkit.people import Account
from local.simkit.seeded import Source

CLIENT_ID = "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"
CLIENT_SECRET = "stand-client-secret"
REGISTERED = (
    "openid",
    "profile",
    "email",
    "offline_access",
    "User.Read",
    "Calendars.ReadWrite",
    "MailboxSettings.Read",
)
AUDIENCES = ("AzureADandPersonalMicrosoftAccount", "AzureADMultipleOrgs", "AzureADMyOrg")
"""Values of ``signInAudience`` in an app registration (entra-docs ``supported-accounts-validation.md``)."""
REFRESH_TOKENS_KEPT = 1000
"""How many refresh tokens of a person are remembered, the latest ones; what is forgotten is unknown (70000)."""
ISSUED_KEPT = 5000
"""How many issued values are remembered for leak tests."""


@dataclass(kw_only=True)
class Client:
    """The one app registration: multi-tenant with personal accounts, a web redirect, a secret.

    ``spa_redirect_uris`` are those registered with the type ``spa``. ``refusal`` is a number of the catalogue with
    which every request for tokens is refused; 0 for none.
    """

    redirect_uris: tuple[str, ...]
    spa_redirect_uris: tuple[str, ...] = ()
    audience: str = AUDIENCES[0]
    refusal: int = 0
    client_id: str = CLIENT_ID
    name: str = "WedSync"
    secret: str = CLIENT_SECRET
    secret_expired: bool = False
    disabled: bool = False
    permissions: tuple[str, ...] = REGISTERED


@dataclass(kw_only=True)
class Code:
    """An authorization code: single use, bound to redirect URI and PKCE challenge (S3, S4)."""

    value: str
    account: Account
    tenant: str
    redirect_uri: str
    scopes: tuple[str, ...]
    nonce: str | None
    challenge: str | None
    method: str
    issued: float
    epoch: int
    redeemed: bool = False


@dataclass(kw_only=True)
class RefreshToken:
    """A refresh token. Redeeming it issues another and leaves this one alive (S8).

    ``first`` is when the first of its line was issued: those of a single-page app end a day after that.
    """

    value: str
    account: Account
    scopes: tuple[str, ...]
    issued: float
    epoch: int
    spa: bool = False
    first: float
    expired: bool = False


@dataclass(kw_only=True)
class Standing:
    """How one person stands with the application (S9).

    ``epoch`` counts revocations of grants and ``sessions`` those of browser sessions; older ones are dead. ``refusal``
    is a number of the catalogue with which this person is refused; 0 for none.
    """

    consented: set[str] = field(default_factory=set)
    epoch: int = 0
    sessions: int = 0
    refusal: int = 0
    revoked: float = 0.0
    mfa_required: bool = False
    disabled: bool = False


@dataclass(frozen=True, kw_only=True)
class Issued:
    """One secret value that left the simulator, kept so that a leak test knows what to look for."""

    kind: str
    upn: str
    value: str


class Directory:
    """The whole state. ``redirect_uris`` are the registered ones, compared exactly (S2)."""

    def __init__(self, *, clock: Clock, redirect_uris: Iterable[str], source: Source | None = None) -> None:
        self.clock = clock
        self.source = source or Source()
        self.mint = Mint()
        self._redirect_uris = tuple(redirect_uris)
        self.clear()

    def clear(self) -> None:
        """Forget everything but the signing keys, which other simulators may have cached."""
        self.client = Client(redirect_uris=self._redirect_uris)
        self.knobs = Knobs()
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.standings: dict[str, Standing] = {}
        self.admin_consent: dict[str, set[str]] = {}
        self.issued: deque[Issued] = deque(maxlen=ISSUED_KEPT)

    def occasion(self, asked: str | None) -> Occasion:
        """Return the occasion of a failure now; ``asked`` is the request's ``client-request-id``."""
        separator = "\r\n" if self.knobs.description_breaks else " "
        return Occasion(at=self.clock.now(), correlation_id=correlation_id(asked), separator=separator)

    def standing(self, account: Account) -> Standing:
        """Return how this person stands, making a fresh record at first sight."""
        return self.standings.setdefault(account.upn, Standing())

    def consented(self, account: Account) -> set[str]:
        """Return what the person, or an administrator for the whole tenant, has consented to."""
        return self.standing(account).consented | self.admin_consent.get(account.tid, set())

    def lacks_consent(self, account: Account, scopes: Iterable[str]) -> bool:
        """Whether any of these scopes was never consented to."""
        return not set(scopes) <= self.consented(account)

    def needs_admin(self, account: Account, scopes: Iterable[str]) -> bool:
        """Whether only an administrator may grant this to the person (knob ``adminApproval``)."""
        return account.upn in self.knobs.admin_approval and self.lacks_consent(account, scopes)

    def note(self, kind: str, account: Account | None, value: str) -> str:
        """Remember an issued value for leak tests and return it."""
        self.issued.append(Issued(kind=kind, upn=account.upn if account else "", value=value))
        return value

    def new_code(self, account: Account, **members: Any) -> Code:
        """Issue an authorization code; codes that lapsed long ago are dropped, so that memory stays level."""
        now = self.clock.timestamp()
        self.codes = {key: code for key, code in self.codes.items() if abs(now - code.issued) < 86400}
        code = Code(
            value=self.note("code", account, self._unused(f"code {account.upn}", 96, self.codes)),
            account=account,
            issued=now,
            epoch=self.standing(account).epoch,
            **members,
        )
        self.codes[code.value] = code
        return code

    def new_refresh_token(
        self, account: Account, *, scopes: tuple[str, ...], epoch: int, spa: bool = False, first: float | None = None
    ) -> RefreshToken:
        """Issue a refresh token of the same revocation epoch as the grant that it comes from; ``first``: its line's."""
        now = self.clock.timestamp()
        self._drop_refresh_tokens(account, now)
        row = f"refresh_token {account.upn}"
        token = RefreshToken(
            value=self.note("refresh_token", account, self._unused(row, 160, self.refresh_tokens)),
            account=account,
            scopes=scopes,
            issued=now,
            epoch=epoch,
            spa=spa,
            first=now if first is None else first,
        )
        self.refresh_tokens[token.value] = token
        return token

    def _unused(self, row: str, length: int, taken: Container[str]) -> str:
        """Return a new value; the state file may hold those of a run before."""
        while (value := f"1.A{self.source.text(row, length)}") in taken:
            continue
        return value

    def _drop_refresh_tokens(self, account: Account, now: float) -> None:
        """Drop what expired as long ago as it had been good, whosever it is, and the person's oldest."""
        over = 2 * self.knobs.refresh_token_days * 86400
        kept = {key: token for key, token in self.refresh_tokens.items() if now - token.issued <= over}
        own = [key for key, token in kept.items() if token.account.upn == account.upn]
        for key in own[: 1 - REFRESH_TOKENS_KEPT]:
            del kept[key]
        self.refresh_tokens = kept

    def revoke(self, account: Account) -> None:
        """Revoke every grant and session of the person (password reset, "revoke sessions")."""
        standing = self.standing(account)
        standing.epoch += 1
        standing.sessions += 1
        standing.revoked = self.clock.timestamp()

    def expire(self, account: Account) -> None:
        """Let every refresh token of the person be one that lay unused too long."""
        for token in self.refresh_tokens.values():
            if token.account == account:
                token.expired = True
