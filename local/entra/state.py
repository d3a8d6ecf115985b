"""What the simulated directory remembers: the application, codes, refresh tokens, consent, sessions."""

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from local.entra.knobs import Knobs
from local.entra.tokens import Mint
from local.simkit.clock import Clock
from local.simkit.people import Account

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
ISSUED_KEPT = 5000
"""How many issued values are remembered for leak tests."""


@dataclass(kw_only=True)
class Client:
    """The one app registration: multi-tenant with personal accounts, a web redirect, a secret."""

    redirect_uris: tuple[str, ...]
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
    """A refresh token. Redeeming it issues another and leaves this one alive (S8)."""

    value: str
    account: Account
    scopes: tuple[str, ...]
    issued: float
    epoch: int
    expired: bool = False


@dataclass(kw_only=True)
class Standing:
    """How one person stands with the application. ``epoch`` counts revocations; older grants are dead (S9)."""

    consented: set[str] = field(default_factory=set)
    epoch: int = 0
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

    def __init__(self, *, clock: Clock, redirect_uris: Iterable[str]) -> None:
        self.clock = clock
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
            value=self.note("code", account, f"1.A{secrets.token_urlsafe(96)}"),
            account=account,
            issued=now,
            epoch=self.standing(account).epoch,
            **members,
        )
        self.codes[code.value] = code
        return code

    def new_refresh_token(self, account: Account, *, scopes: tuple[str, ...], epoch: int) -> RefreshToken:
        """Issue a refresh token that belongs to the same revocation epoch as the grant that it comes from."""
        token = RefreshToken(
            value=self.note("refresh_token", account, f"1.A{secrets.token_urlsafe(160)}"),
            account=account,
            scopes=scopes,
            issued=self.clock.timestamp(),
            epoch=epoch,
        )
        self.refresh_tokens[token.value] = token
        return token

    def revoke(self, account: Account) -> None:
        """Revoke every grant and session of the person (password reset, "revoke sessions")."""
        standing = self.standing(account)
        standing.epoch += 1
        standing.revoked = self.clock.timestamp()

    def expire(self, account: Account) -> None:
        """Let every refresh token of the person be one that lay unused too long."""
        for token in self.refresh_tokens.values():
            if token.account == account:
                token.expired = True
