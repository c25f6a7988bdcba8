"""Child processes and their supervisor."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from igemoji_stack.supervisor import Command, Supervised

pytestmark = pytest.mark.asyncio

WAIT = "import time; print('here', flush=True); time.sleep(60)"


async def started(nice: int = 0) -> Supervised:
    lines: list[str] = []

    async def is_ready() -> bool:
        return bool(lines)

    command = Command("child", [sys.executable, "-c", WAIT], {}, is_ready, nice)
    process = Supervised(command, lambda _name, line: lines.append(line), lambda *_: None)
    await process.start(20)
    return process


async def test_niced_children_yield_cpu_and_sigint_reaches_only_the_parent():
    child = await started(nice=3)
    try:
        assert child.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
        assert os.getsid(child.pid) == os.getsid(0), "the same session, within which `nice` counts"
        assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    finally:
        await child.stop()


SUPERVISOR = """
import asyncio, sys
from igemoji_stack.supervisor import Command, Supervised

async def main():
    async def is_ready():
        return True
    child = Supervised(Command("child", sys.argv[1:], {}, is_ready), lambda *_: None, lambda *_: None)
    await child.start(20)
    print(child.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(
    shutil.which("setpriv") is None and "CI" not in os.environ, reason="setpriv is missing: apt-get install util-linux"
)
async def test_killed_supervisor_leaves_no_process_behind():
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISOR, sys.executable, "-c", WAIT, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    child = int(await supervisor.stdout.readline())
    async with asyncio.timeout(20):
        while not command_line(child).startswith(sys.executable.encode()):  # nice and setpriv come first
            await asyncio.sleep(0.02)
        supervisor.send_signal(signal.SIGKILL)
        await supervisor.wait()
        while command_line(child):
            await asyncio.sleep(0.02)


def command_line(pid: int) -> bytes:
    """Return the command line of a process; empty if it has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
