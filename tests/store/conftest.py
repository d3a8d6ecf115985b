"""Far ends that fail, for all tests of the store."""

from collections.abc import Iterator

import pytest

from local.simkit.background import free_port
from tests.support.far_end import FarEnd


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    server = FarEnd()
    yield server
    server.stop()


@pytest.fixture
def unused_url() -> str:
    return f"http://127.0.0.1:{free_port()}"
