"""Ports that are chosen now and listened on later: nobody else may choose them meanwhile."""

import random
import subprocess
import sys

import pytest

from igemoji_mesh.testing import free_ports

CHOOSE = "from igemoji_mesh.testing import free_ports; free_ports.LISTENING = {}; print(*free_ports.free_ports({}))"


@pytest.fixture
def few(monkeypatch) -> range:
    """The only ports to choose from, where no other test looks for any."""
    first = random.randrange(10_000, 19_000)
    few = range(first, first + 16)
    monkeypatch.setattr(free_ports, "LISTENING", few)
    return few


def chosen_elsewhere(few: range, count: int) -> set[int]:
    """By another process, which has ended."""
    command = [sys.executable, "-c", CHOOSE.format(few, count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return {int(port) for port in done.stdout.split()}


def test_a_port_is_chosen_once():
    assert len({*free_ports.free_ports(200), *free_ports.free_ports(200)}) == 400


def test_another_process_chooses_other_ports(few):
    ours = free_ports.free_ports(8)
    assert not chosen_elsewhere(few, 4) & {*ours}


def test_a_port_is_free_again_when_its_process_has_ended(few, monkeypatch):
    theirs = chosen_elsewhere(few, 8)
    monkeypatch.setattr(free_ports, "LISTENING", sorted(theirs))
    assert {*free_ports.free_ports(8)} == theirs
