"""The stand's certificates."""

import ssl
import time
from pathlib import Path
from typing import Any

from local.simkit.tls import certificates


def test_certificates_hold_for_two_years_either_way(tmp_path: Path) -> None:
    held = certificates(tmp_path)
    for file in (held.ca_file, held.server_file):
        decoded: dict[str, Any] = ssl._ssl._test_decode_cert(str(file))  # type: ignore[attr-defined]
        begins, ends = (ssl.cert_time_to_seconds(decoded[name]) for name in ("notBefore", "notAfter"))
        assert begins < time.time() - 2 * 366 * 86400
        assert ends > time.time() + 2 * 366 * 86400
