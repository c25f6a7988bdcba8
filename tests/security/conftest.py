"""One mesh for all suites, callers with many client addresses, and the table of attacks."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from contract.actors import Actors

from .attack_report import AttackReport, Attacks
from .live import Gateway, Gateways, LiveMesh

REPORT = pytest.StashKey[AttackReport]()
LAST = ("test_secrets",)
"""Suites that check what the others left behind."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--attack-report", type=Path, metavar="FILE", help="write the table of attacks to this file")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = AttackReport()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem in LAST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash[REPORT]
    if any(suite.tried for suite in report.suites.values()):
        terminalreporter.write_sep("=", "tried, refused, survived")
        terminalreporter.write(report.table())
    if (path := config.getoption("--attack-report", None)) is not None:
        report.write(path)


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveMesh]:
    """Start a mesh with the default limits on a free port."""
    mesh = LiveMesh(tmp_path_factory.mktemp("security"))
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
    """Start a gateway that trusts X-Forwarded-For of a proxy, so that each caller has its own limits by address."""
    with gateways.running(trusted_proxies=1, rate_factor=1000) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def actors(front: Gateway, mesh: LiveMesh) -> Iterator[Actors]:
    """Return callers and their resources; each call comes from another address."""
    addresses = (f"198.18.{number >> 8 & 255}.{number & 255}" for number in itertools.count(1))

    def from_new_address(request: httpx.Request) -> None:
        request.headers.setdefault("x-forwarded-for", next(addresses))

    with Actors.of(front.url, mesh.data) as actors:
        actors.http.event_hooks = {"request": [from_new_address], "response": [mesh.output.answer]}
        yield actors


@pytest.fixture
def attacks(request: pytest.FixtureRequest) -> Iterator[Attacks]:
    """Count the attacks of a test: `with attacks.attempt("alg none"): …`.

    A test with the mesh survives if the mesh is well after it; any other test calls `survive`.
    """
    suite = request.config.stash[REPORT].suite(request.path)
    has_mesh = "mesh" in request.fixturenames
    mesh, front = (request.getfixturevalue(name) if has_mesh else None for name in ("mesh", "front"))
    found = Attacks(suite)
    started = time.monotonic()
    yield found
    suite.seconds += time.monotonic() - started
    if mesh is not None:
        mesh.assert_well(front)
        found.survive()
