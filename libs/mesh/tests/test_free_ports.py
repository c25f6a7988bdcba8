"""Free TCP ports stay reserved between their choice and their use."""

import random
import subprocess
import sys

import pytest

from igemoji_mesh.testing import free_ports

CHOOSE = "from igemoji_mesh.testing import free_ports; free_ports.LISTENING = {}; print(*free_ports.free_ports({}))"


@pytest.fixture
def few(monkeypatch) -> range:
    """Restrict the choice to a few ports outside of the usual range."""
    first = random.randrange(10_000, 19_000)
    few = range(first, first + 16)
    monkeypatch.setattr(free_ports, "LISTENING", few)
    return few


def chosen_elsewhere(few: range, count: int) -> set[int]:
    """Return ports that another process chose before it ended."""
    command = [sys.executable, "-c", CHOOSE.format(few, count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return {int(port) for port in done.stdout.split()}


def test_ports_are_not_chosen_twice():
    assert len({*free_ports.free_ports(200), *free_ports.free_ports(200)}) == 400


def test_processes_choose_different_ports(few):
    ours = free_ports.free_ports(8)
    assert not chosen_elsewhere(few, 4) & {*ours}


def test_port_is_free_after_its_process_ended(few, monkeypatch):
    theirs = chosen_elsewhere(few, 8)
    monkeypatch.setattr(free_ports, "LISTENING", sorted(theirs))
    assert {*free_ports.free_ports(8)} == theirs
