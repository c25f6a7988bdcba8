import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio

from igemoji_gateway.runtime.binary import EnvoyMissing, envoy_binary

from .fake_mesh import SERVICES, FakeMesh, Gateway, eventually, start_gateway


@pytest.fixture(scope="session")
def envoy() -> Path:
    """Return the path of Envoy. Without it, tests are skipped; in CI they fail."""
    try:
        return envoy_binary()
    except EnvoyMissing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeMesh]:
    mesh = FakeMesh.create(tmp_path_factory.mktemp("mesh"))
    for service in SERVICES:
        await mesh.start(service)
    yield mesh
    await mesh.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(
    envoy: Path, shared_mesh: FakeMesh, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """One gateway for most tests, which has fetched the JWKS."""
    options = shared_mesh.options(allowed_origins=("https://igemoji.example",))
    running = await start_gateway(options, tmp_path_factory.mktemp("envoy"))
    try:
        await knows_keys(running, shared_mesh)
        yield running
    finally:
        await running.stop()


@pytest.fixture
def mesh(shared_mesh: FakeMesh) -> Iterator[FakeMesh]:
    """Yield the services behind `gateway`, without answers and recorded calls."""
    shared_mesh.reset()
    yield shared_mesh
    shared_mesh.reset()


@pytest.fixture
def token(shared_mesh: FakeMesh) -> str:
    return shared_mesh.certificates.token()


@pytest_asyncio.fixture(loop_scope="session")
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def user(gateway: Gateway, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """Client with an access token."""
    async with gateway.client(headers={"authorization": f"Bearer {token}"}) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def channel(gateway: Gateway) -> AsyncIterator[grpc.aio.Channel]:
    """Native gRPC to the same port."""
    async with grpc.aio.insecure_channel(gateway.target) as channel:
        yield channel


async def knows_keys(gateway: Gateway, mesh: FakeMesh) -> None:
    headers = {"authorization": f"Bearer {mesh.certificates.token()}"}
    async with gateway.client(headers=headers) as client:

        async def passes() -> bool:
            return (await client.get("/api/v1/users/me")).status_code == 200

        assert await eventually(passes), "the gateway never fetched the JWKS"
