"""The local certificate authority, made once and kept, so that a person trusts it once."""

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Paths of PEM files: the CA to trust, and the server's certificate chain with its key."""

    ca_file: Path
    server_file: Path

    @property
    def fingerprint(self) -> str:
        """The CA's SHA-256 fingerprint as colon-separated hex, as browsers show it."""
        der = ssl.PEM_cert_to_DER_cert(self.ca_file.read_text())
        digest = hashlib.sha256(der).hexdigest().upper()
        return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def certificates(folder: Path) -> Certificates:
    """Return the certificates kept in ``folder``, making them at the first call."""
    made = Certificates(ca_file=folder / "ca.pem", server_file=folder / "server.pem")
    if made.ca_file.exists() and made.server_file.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    ca = trustme.CA(organization_name="WedSync local stand")
    ca.cert_pem.write_to_path(str(made.ca_file))
    leaf = ca.issue_cert(*_HOSTS)
    made.server_file.touch(mode=0o600)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(made.server_file))
    return made
