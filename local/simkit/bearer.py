"""Whose access token a request carries, read without checking it: for addressing faults, never for letting in."""

import base64
import json

from local.simkit.people import ACCOUNTS


def person_of(authorization: str) -> str:
    """Return the upn of the sample account that the token is made out to, or an empty string."""
    parts = authorization.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return ""
    own = (claims.get("oid"), claims.get("tid")) if isinstance(claims, dict) else ()
    return next((account.upn for account in ACCOUNTS if (account.oid, account.tid) == own), "")
