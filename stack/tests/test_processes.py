"""Child processes: how they stand to the one that keeps them, and to each other."""

import os
import sys

import pytest

from igemoji_stack.processes import Command, Supervised

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


async def test_who_stands_back_does_so_behind_all_others_and_ctrl_c_is_for_the_parent_alone():
    child = await started(nice=3)
    try:
        assert child.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
        assert os.getsid(child.pid) == os.getsid(0), "`nice` counts within a session, where Linux weighs those"
        assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    finally:
        await child.stop()
