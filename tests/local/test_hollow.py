"""No conformance test of Graph, Entra or Key Vault passes against a service that answers an empty 200."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITES = [f"tests/local/{name}" for name in ("entra", "graph", "keyvault")]


@pytest.mark.timeout(900)
@pytest.mark.timeout(620)
def test_every_conformance_test_fails_against_an_empty_200() -> None:
    command = [sys.executable, "-m", "pytest", *SUITES, "-m", "behaviour", "--hollow", "-q", "-rA", "--tb=no"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=870)
    lines = answer.stdout.splitlines()
    assert [line for line in lines if line.startswith("PASSED")] == []
    assert sum(line.startswith(("FAILED", "ERROR")) for line in lines) >= 150, answer.stdout[-2000:]
