"""One mesh for the suite, as `igemoji up` starts it, and its callers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mesh import running
from support.users import ASSETS

from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

from .actors import Actors


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of the mesh."""
    return tmp_path_factory.mktemp("contract")


@pytest.fixture(scope="session")
def mesh(data: Path) -> Iterator[Mesh]:
    with running(Mesh(MeshOptions(data=data, assets=ASSETS, port=0, workers=1, rate_factor=1000))) as mesh:
        yield mesh


@pytest.fixture(scope="session")
def actors(mesh: Mesh, data: Path) -> Iterator[Actors]:
    with Actors.of(mesh.url, data) as actors:
        yield actors
