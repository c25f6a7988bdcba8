"""One mesh for all suites, people who come from everywhere, and the table of what was tried."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from contract.actors import World

from .attack_report import Book, Tally
from .live import Gateway, Gateways, LiveMesh

BOOK = pytest.StashKey[Book]()
LAST = ("test_secrets",)
"""Suites that look at what all the others left behind."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--attack-report", type=Path, metavar="FILE", help="where the table of the suites is written")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[BOOK] = Book()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem in LAST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    book = config.stash[BOOK]
    if any(suite.tried for suite in book.suites.values()):
        terminalreporter.write_sep("=", "tried, refused, survived")
        terminalreporter.write(book.table())
    if (path := config.getoption("--attack-report", None)) is not None:
        book.write(path)


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveMesh]:
    """With the limits that it has anywhere; on a free port."""
    mesh = LiveMesh(tmp_path_factory.mktemp("trust"))
    mesh.start()
    try:
        yield mesh
    finally:
        mesh.stop()


@pytest.fixture(scope="session")
def gateways(mesh: LiveMesh, tmp_path_factory: pytest.TempPathFactory) -> Gateways:
    return Gateways(mesh, tmp_path_factory.mktemp("gateways"))


@pytest.fixture(scope="session")
def front(gateways: Gateways) -> Iterator[Gateway]:
    """A gateway that believes a proxy before it where people come from: limits by address are then their own."""
    with gateways.running(trusted_proxies=1, rate_factor=1000) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def world(front: Gateway, mesh: LiveMesh) -> Iterator[World]:
    """People who each come from an address of their own, and what is theirs."""
    addresses = (f"198.18.{number >> 8 & 255}.{number & 255}" for number in itertools.count(1))

    def from_elsewhere(request: httpx.Request) -> None:
        request.headers.setdefault("x-forwarded-for", next(addresses))

    with World.of(front.url, mesh.data) as world:
        world.http.event_hooks = {"request": [from_elsewhere], "response": [mesh.heard.answer]}
        yield world


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Counts the cases of a test: `with tally.attempt("alg none"): …`.

    A test that has the mesh has survived when the mesh is well after it; any other one when it says so itself.
    """
    suite = request.config.stash[BOOK].suite(request.path)
    has_mesh = "mesh" in request.fixturenames
    mesh, front = (request.getfixturevalue(name) if has_mesh else None for name in ("mesh", "front"))
    found = Tally(suite)
    started = time.monotonic()
    yield found
    suite.seconds += time.monotonic() - started
    if mesh is not None:
        mesh.assert_well(front)
        found.survive()
