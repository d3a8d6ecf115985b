"""Keys and tokens: what is signed, and which claims it carries."""

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.entra.scopes import GRAPH
from local.simkit.people import Account

ISSUER_V1 = "https://sts.windows.net"
SERVICE_OID = "5d0b6a3e-3c41-4a7e-8f2a-6a8e5c3f7b90"
"""Object id of the application's service principal in the work tenant."""
IDENTITY_OID = "a1f4c0de-7b52-4e0c-9d38-2f6b8e1d5a47"
"""Object id of the simulated managed identity."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """One RSA key with the id under which tokens name it."""

    kid: str
    private: rsa.RSAPrivateKey

    @property
    def public(self) -> dict[str, Any]:
        """Return the key as a member of ``keys`` in a JWKS."""
        jwk: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {"kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid, "n": jwk["n"], "e": jwk["e"]}

    @property
    def pem(self) -> str:
        """Return the private key for the state file."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def new_key() -> SigningKey:
    """Return a fresh key."""
    return _named(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def load_key(pem: str) -> SigningKey:
    """Return the key that ``SigningKey.pem`` wrote."""
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("the state file holds a key of another kind")
    return _named(private)


def _named(private: rsa.RSAPrivateKey) -> SigningKey:
    der = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(kid=_b64url(hashlib.sha256(der).digest()[:20]), private=private)


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(kw_only=True)
class Mint:
    """Signs tokens with the newest key; older keys stay in the JWKS, as after a real rollover."""

    keys: list[SigningKey] = field(default_factory=lambda: [new_key()])

    def rotate(self, *, withdraw: bool = False) -> SigningKey:
        """Sign with a new key from now on; ``withdraw`` the others at once, as in an emergency."""
        self.keys = [*([] if withdraw else self.keys), new_key()]
        return self.keys[-1]

    @property
    def jwks(self) -> dict[str, Any]:
        """The published keys."""
        return {"keys": [key.public for key in self.keys]}

    def sign(self, claims: dict[str, Any]) -> str:
        """Return an RS256 JWT."""
        key = self.keys[-1]
        return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.kid, "x5t": key.kid})


@dataclass(frozen=True, kw_only=True)
class Life:
    """When a token begins and ends, in seconds since the epoch."""

    issued: int
    seconds: int

    @property
    def claims(self) -> dict[str, int]:
        """The three time claims."""
        return {"iat": self.issued, "nbf": self.issued, "exp": self.issued + self.seconds}


def pairwise(client_id: str, account: Account) -> str:
    """Return ``sub``: stable for one account in one application, different in another (``subject_types: pairwise``)."""
    return _b64url(hashlib.sha256(f"{client_id}|{account.tid}|{account.oid}".encode()).digest())


def id_claims(
    account: Account, *, client_id: str, issuer: str, scopes: Iterable[str], nonce: str | None, life: Life
) -> dict[str, Any]:
    """Return the claims of a v2.0 id_token (S10). ``issuer`` is the simulator's own base address.

    ``preferred_username`` and ``name`` need ``profile``, ``email`` needs ``email``
    (``id-token-claims-reference.md``).
    """
    asked = set(scopes)
    claims: dict[str, Any] = {
        "aud": client_id,
        "iss": f"{issuer}/{account.tid}/v2.0",
        **life.claims,
        "oid": account.oid,
        "tid": account.tid,
        "sub": pairwise(client_id, account),
        "ver": "2.0",
        "uti": _b64url(uuid.uuid4().bytes),
        "rh": f"1.{_b64url(uuid.uuid4().bytes)}",
        "aio": _b64url(uuid.uuid4().bytes + uuid.uuid4().bytes),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if "profile" in asked:
        claims |= {"preferred_username": account.upn, "name": account.name}
    if "email" in asked:
        claims["email"] = account.upn
    return claims


def graph_claims(account: Account, *, client_id: str, scopes: Iterable[str], life: Life) -> dict[str, Any]:
    """Return the claims of an access token for Graph.

    Real tokens for personal accounts are opaque to everybody but Graph; here both kinds are JWTs, so that the
    simulated Graph can check them. A client must treat them as opaque all the same.
    """
    return {
        "aud": GRAPH,
        "iss": f"{ISSUER_V1}/{account.tid}/",
        **life.claims,
        "appid": client_id,
        "appidacr": "1",
        "idtyp": "user",
        "oid": account.oid,
        "tid": account.tid,
        "sub": pairwise("00000003-0000-0000-c000-000000000000", account),
        "upn": account.upn,
        "name": account.name,
        "scp": " ".join(name for name in scopes if name != "offline_access"),
        "uti": _b64url(uuid.uuid4().bytes),
        "ver": "1.0",
    }


def application_claims(*, resource: str, client_id: str, oid: str, tid: str, life: Life) -> dict[str, Any]:
    """Return the claims of a token that an application or a managed identity holds in its own name."""
    return {
        "aud": resource,
        "iss": f"{ISSUER_V1}/{tid}/",
        **life.claims,
        "appid": client_id,
        "appidacr": "1",
        "idtyp": "app",
        "oid": oid,
        "sub": oid,
        "tid": tid,
        "uti": _b64url(uuid.uuid4().bytes),
        "ver": "1.0",
    }


def client_info(account: Account) -> str:
    """Return base64url of ``{"uid", "utid"}``, which MSAL makes its ``home_account_id`` from (S10)."""
    return _b64url(json.dumps({"uid": account.oid, "utid": account.tid}).encode())
