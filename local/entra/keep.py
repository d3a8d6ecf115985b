"""The state file: signing keys, consent and refresh tokens outlive a restart of the stand, where one is given."""

import json
import os
from pathlib import Path
from typing import Any

from local.entra.state import Directory, RefreshToken, Standing
from local.entra.tenants import person
from local.entra.tokens import load_key


class StateFile:
    """Reads at start, writes after each change. The file holds secrets of the stand alone; mode 0600."""

    def __init__(self, path: Path, directory: Directory) -> None:
        self._path = path
        self._directory = directory

    def load(self) -> None:
        """Take up the kept state; a missing file is an empty state."""
        if not self._path.exists():
            return
        kept = json.loads(self._path.read_text())
        directory = self._directory
        directory.mint.keys = [load_key(pem) for pem in kept["keys"]]
        directory.admin_consent = {tid: set(names) for tid, names in kept["adminConsent"].items()}
        for upn, members in kept["standings"].items():
            directory.standings[upn] = Standing(**{**members, "consented": set(members["consented"])})
        for members in kept["refreshTokens"]:
            account = person(members.pop("upn"))
            if account:
                kept_token = {"first": members["issued"], **members, "scopes": tuple(members["scopes"])}
                token = RefreshToken(account=account, **kept_token)
                directory.refresh_tokens[token.value] = token

    def save(self) -> None:
        """Replace the file in one step."""
        directory = self._directory
        kept = {
            "keys": [key.pem for key in directory.mint.keys],
            "adminConsent": {tid: sorted(names) for tid, names in directory.admin_consent.items()},
            "standings": {
                upn: {**vars(standing), "consented": sorted(standing.consented)}
                for upn, standing in directory.standings.items()
            },
            "refreshTokens": [_token(token) for token in directory.refresh_tokens.values()],
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(kept))
        os.replace(fresh, self._path)


def _token(token: RefreshToken) -> dict[str, Any]:
    members = dict(vars(token))
    members["upn"] = members.pop("account").upn
    return members
