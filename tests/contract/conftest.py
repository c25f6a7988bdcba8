"""One mesh as `igemoji up` starts it, and the people who call it."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

from .actors import World

ASSETS = Path(__file__).parents[2] / "assets" / "build"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the mesh keeps everything."""
    return tmp_path_factory.mktemp("contract")


@pytest.fixture(scope="session")
def mesh(data: Path) -> Iterator[Mesh]:
    """On a free port, in an event loop and a thread of its own."""
    options = MeshOptions(data=data, assets=ASSETS, port=0, workers=1, rate_factor=1000)
    mesh = Mesh(options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(mesh.start(), loop).result(120)
        yield mesh
    finally:
        asyncio.run_coroutine_threadsafe(mesh.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="session")
def world(mesh: Mesh, data: Path) -> Iterator[World]:
    with World.of(mesh.url, data) as world:
        yield world
