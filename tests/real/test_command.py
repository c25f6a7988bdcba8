"""The command `igemoji up --backend real`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


def igemoji(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "igemoji_stack.cli", *arguments]


def processes_of(data: Path) -> list[int]:
    """Whose command line or environment names the data folder, but for this process."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            known = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(data).encode() in known and state != "Z" and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def wait_for_end(data: Path) -> bool:
    until = time.monotonic() + 60
    while (left := processes_of(data)) and time.monotonic() < until:
        time.sleep(0.1)
    return not left


def test_it_runs_on_servers_of_its_own_and_leaves_none_even_when_it_is_killed(tmp_path):
    data = tmp_path / "data"
    command = subprocess.Popen(
        igemoji("up", "--backend", "real", "--port", "0", "--data", str(data), "--workers", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert command.stdout is not None
        lines = []
        for line in command.stdout:
            lines.append(line)
            if "ready: http" in line:
                break
        assert "ready: http" in lines[-1], "".join(lines)
        assert any("mariadb, rabbitmq, redis, s3" in line for line in lines)
        status = subprocess.run(igemoji("status", "--data", str(data)), capture_output=True, text=True)
        assert status.returncode == 0, status.stdout
        assert not list(data.glob("*.db"))
        assert len(processes_of(data)) > 8
    finally:
        os.kill(command.pid, signal.SIGKILL)
        command.communicate()
    assert wait_for_end(data), processes_of(data)
    again = subprocess.run(igemoji("up", "--data", str(data)), capture_output=True, text=True)
    assert again.returncode == 1
    assert "is kept by --backend real" in again.stderr
