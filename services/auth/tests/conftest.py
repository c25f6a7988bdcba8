"""Two replicas of the auth service over mutual TLS, with a clock that tests set."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from igemoji_auth.entrypoints.settings import Settings
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.testing.mesh import TestMesh, free_port, running

from .client import Auth, Clock


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_settings(mesh: TestMesh, tmp_path: Path) -> Any:
    """Return a factory of settings; all replicas of a test share one database."""
    quick = {"environment": "development", "bcrypt_cost": 4, "data_dir": tmp_path}
    return lambda **changes: mesh.settings(Settings, "auth", **(quick | changes))


@pytest.fixture
def addresses() -> dict[str, str]:
    """Return the addresses of auth and the services that it calls."""
    names = ("auth_address", "inference_address", "emoji_catalog_address", "ranking_address")
    return {name: f"127.0.0.1:{free_port()}" for name in names}


@pytest.fixture
def database_url(make_settings: Any) -> str:
    return str(make_settings().database("auth"))


@pytest.fixture
async def auth(mesh: TestMesh, make_settings: Any, clock: Clock) -> AsyncIterator[Auth]:
    async with running(partial(compose, now=clock), make_settings()) as server:
        yield Auth(mesh, server)


@pytest.fixture
async def second_auth(mesh: TestMesh, make_settings: Any, clock: Clock, auth: Auth) -> AsyncIterator[Auth]:
    """Start another replica on the same database."""
    async with running(partial(compose, now=clock), make_settings()) as server:
        yield Auth(mesh, server)


@pytest.fixture
def quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the sweeps continuously instead of once a minute; request it before `auth`."""
    monkeypatch.setattr("igemoji_auth.entrypoints.wiring.SWEEP_SECONDS", 0.05)
