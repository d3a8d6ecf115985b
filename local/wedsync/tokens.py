"""User access tokens and the keys that prove them; and forgeries, so that a verifier can show that it refuses them.

Each forgery is one from RFC 8725 (JSON Web Token Best Current Practices) section 2: ``none``, an HMAC made with the
public key, and another key under a known ``kid``.
"""

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import BaseModel, ConfigDict, Field

from local.simkit.clock import Clock

LIFETIME_SECONDS = 15 * 60
AUDIENCE = "wedsync-outlook-sync"


class TokenRequest(BaseModel):
    """What a test asks for. Absent members are those of a good token."""

    model_config = ConfigDict(strict=True, extra="forbid")

    userId: str = Field(min_length=1)
    expiresInSeconds: float = Field(default=LIFETIME_SECONDS, allow_inf_nan=False)
    audience: str | None = None
    issuer: str | None = None
    kind: Literal["valid", "none", "hs256-with-public-key", "wrong-key", "expired"] = "valid"
    algorithm: Literal["ES256", "RS256"] = "ES256"


@dataclass(kw_only=True)
class Tokens:
    """Mints tokens for ``issuer`` and publishes the public keys as a JWKS."""

    issuer: str
    clock: Clock
    audience: str = AUDIENCE
    _ec: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _rsa: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def jwks(self) -> dict[str, Any]:
        """Return both public keys; ``kid`` is the RFC 7638 thumbprint's role, here a hash of the key itself."""
        members: list[dict[str, Any]] = [
            json.loads(ECAlgorithm.to_jwk(self._ec.public_key())) | {"alg": "ES256"},
            json.loads(RSAAlgorithm.to_jwk(self._rsa.public_key())) | {"alg": "RS256"},
        ]
        for member in members:
            member.pop("key_ops", None)
            member |= {"use": "sig", "kid": self._kid(member["alg"])}
        return {"keys": members}

    def for_user(self, user_id: str) -> str:
        """Return the token that the WedSync page sends for its signed-in user."""
        return self.mint(TokenRequest(userId=user_id))

    def mint(self, wanted: TokenRequest) -> str:
        """Return a good token, or the forgery asked for."""
        now = int(self.clock.timestamp())
        life = -60 if wanted.kind == "expired" else wanted.expiresInSeconds
        claims = {
            "iss": self.issuer if wanted.issuer is None else wanted.issuer,
            "aud": self.audience if wanted.audience is None else wanted.audience,
            "sub": wanted.userId,
            "iat": now + min(0, int(life) - LIFETIME_SECONDS) if wanted.kind == "expired" else now,
            "exp": now + int(life),
            "jti": str(uuid.uuid4()),
        }
        headers = {"kid": self._kid(wanted.algorithm)}
        if wanted.kind == "none":
            return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."
        if wanted.kind == "hs256-with-public-key":
            return self._confused(claims)
        if wanted.kind == "wrong-key":
            stranger = ec.generate_private_key(ec.SECP256R1())
            return jwt.encode(claims, stranger, algorithm="ES256", headers={"kid": self._kid("ES256")})
        key = self._ec if wanted.algorithm == "ES256" else self._rsa
        return jwt.encode(claims, key, algorithm=wanted.algorithm, headers=headers)

    def _confused(self, claims: dict[str, Any]) -> str:
        # PyJWT refuses to make such a token, so it is put together by hand.
        secret = self._rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        head = _part({"alg": "HS256", "typ": "JWT", "kid": self._kid("RS256")})
        signed = f"{head}.{_part(claims)}"
        return f"{signed}.{_base64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def _kid(self, algorithm: str) -> str:
        public = self._ec.public_key() if algorithm == "ES256" else self._rsa.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"{algorithm.lower()}-{hashlib.sha256(der).hexdigest()[:16]}"


def _part(members: dict[str, Any]) -> str:
    return _base64(json.dumps(members, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
