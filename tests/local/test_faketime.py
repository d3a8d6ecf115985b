"""libfaketime: what is done without it, and what it leaves behind."""

from pathlib import Path

import pytest

from local import faketime
from local.children import StandError
from local.simkit.clock import VARIABLE, Clock, Immovable
from local.stand import Stand


def test_without_the_library_the_stand_says_that_its_clock_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(faketime.LIBRARY_SETTING, "")
    stand = Stand(work_folder=tmp_path)
    assert stand.clock.environment() == {VARIABLE: ""}
    with pytest.raises(StandError, match="libfaketime is not installed"):
        stand.advance(1)
    with pytest.raises(Immovable):
        Clock(stand.clock.environment()).advance(1)


def test_what_killed_processes_left_in_shared_memory_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faketime, "_SHARED_MEMORY", tmp_path)
    alive = Path("/proc/self").resolve().name
    for name in ("faketime_shm_999999999", "sem.faketime_sem_999999999", f"faketime_shm_{alive}", "other_999999999"):
        (tmp_path / name).touch()
    faketime.sweep()
    assert {file.name for file in tmp_path.iterdir()} == {f"faketime_shm_{alive}", "other_999999999"}
