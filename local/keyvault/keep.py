"""The state file: secrets outlive a restart of the stand, where one is given. Mode 0600."""

import json
import os
from pathlib import Path

from local.keyvault.state import Secret, Vault, Version


class StateFile:
    """Reads at start, writes after each change."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path = path
        self._vault = vault

    def load(self) -> None:
        """Take up the kept secrets; a missing file is an empty vault."""
        if not self._path.exists():
            return
        for members in json.loads(self._path.read_text()):
            versions = [Version(**version) for version in members.pop("versions")]
            secret = Secret(versions=versions, **members)
            self._vault.secrets[secret.name.lower()] = secret

    def save(self) -> None:
        """Replace the file in one step."""
        kept = [
            {**vars(secret), "versions": [vars(version) for version in secret.versions]}
            for secret in self._vault.secrets.values()
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(kept))
        os.replace(fresh, self._path)
