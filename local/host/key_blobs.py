"""The default key store: blobs of the container ``azure-webjobs-secrets``, made at first use.

``{site}/host.json`` holds the master key, the host's function keys and the system keys, ``{site}/{function}.json`` a
function's own. Read in the host's BlobStorageSecretsRepository.cs and SecretManager.cs.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, ContainerClient

from local.host.identifiable import FUNCTION_SEED, MASTER_SEED, new_key
from local.host.keys import Keys

KEY_CONTAINER = "azure-webjobs-secrets"


class KeyBlobs:
    """The keys of one site (the host id, where there is no site name) for its HTTP functions."""

    def __init__(self, container: ContainerClient, *, site: str, functions: Iterable[str]) -> None:
        self._container = container
        self._site = site.lower()
        self._functions = [name.lower() for name in functions]

    async def read(self) -> Keys:
        """Return all keys; a set of them that is not there yet is made and recorded."""
        with suppress(ResourceExistsError):
            await self._container.create_container()
        host = await self._read_or_make("host", _new_host_keys)
        functions = {name: await self._read_or_make(name, _new_function_keys) for name in self._functions}
        return Keys(
            master=host["masterKey"]["value"],
            host=_by_name(host["functionKeys"]),
            system=_by_name(host["systemKeys"]),
            functions={name: _by_name(members["keys"]) for name, members in functions.items()},
        )

    async def _read_or_make(self, name: str, make: Any) -> dict[str, Any]:
        blob = self._container.get_blob_client(f"{self._site}/{name}.json")
        try:
            return await _content(blob)
        except ResourceNotFoundError:
            # Another instance may make them at the same moment: the first one's count.
            with suppress(ResourceExistsError):
                await blob.upload_blob(json.dumps(make(), indent=2).encode(), overwrite=False)
            return await _content(blob)


async def _content(blob: BlobClient) -> dict[str, Any]:
    stream = await blob.download_blob()
    found: dict[str, Any] = json.loads(await stream.readall())
    return found


def _new_host_keys() -> dict[str, Any]:
    return {
        "masterKey": _key("master", MASTER_SEED),
        "functionKeys": [_key("default", FUNCTION_SEED)],
        "systemKeys": [],
    }


def _new_function_keys() -> dict[str, Any]:
    return {"keys": [_key("default", FUNCTION_SEED)]}


def _key(name: str, seed: int) -> dict[str, Any]:
    return {"name": name, "value": new_key(seed), "encrypted": False}


def _by_name(keys: list[dict[str, Any]]) -> dict[str, str]:
    return {key["name"]: key["value"] for key in keys}
