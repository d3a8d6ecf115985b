"""How a person makes this machine's browsers trust the stand's certificate authority."""

import os
import platform
import shlex
import shutil
from pathlib import Path


def trust_command(ca_file: Path) -> str:
    """Return the one command that makes this machine's browsers trust the CA."""
    file = shlex.quote(str(ca_file))
    if platform.system() == "Darwin":
        return f"security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {file}"
    # Browsers on Linux look into this database and not into the system's certificates.
    store = f'mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n "WedSync local stand" -i {file}'
    if shutil.which("certutil"):
        return store
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y libnss3-tools && {store}"
