"""What a process takes, with those that it started."""

import subprocess
import sys

from benchmarks.processes import family, taken_by, taken_with_children


def test_children_count_and_one_that_has_ended_takes_nothing() -> None:
    script = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        pids = family(parent.pid)
        assert len(pids) == 2
        assert taken_by(parent.pid).rss > 0
        assert taken_with_children(parent.pid).files > taken_by(parent.pid).files
        subprocess.run(["kill", str(pids[1])], check=True)
        parent.kill()
    assert taken_with_children(parent.pid).rss == 0
