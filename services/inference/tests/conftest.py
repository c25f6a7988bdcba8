"""The real service with worker processes and models; only the catalog and the ranking are fakes."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty
from PIL import Image, ImageDraw

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_inference.entrypoints.settings import Settings
from igemoji_inference.entrypoints.wiring import compose
from igemoji_mesh.errors import NotFound
from igemoji_mesh.ids import new_id
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import ServiceSettings
from igemoji_mesh.testing.mesh import TestMesh, running
from igemoji_vision.faces import EXPRESSIONS

MODELS = Path(__file__).parents[3] / "assets" / "build" / "models"


class EmojiNotFound(NotFound):
    pass


@dataclass
class Upstreams(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer, ranking_pb2_grpc.RankingServiceServicer):  # type: ignore[misc]
    """Fake catalog and ranking."""

    emojis: set[str] = field(default_factory=set)
    uses: list[ranking_pb2.RecordUseRequest] = field(default_factory=list)
    image_calls: int = 0
    down: bool = False

    def add_emoji(self) -> str:
        emoji_id = new_id()
        self.emojis.add(emoji_id)
        return emoji_id

    async def GetEmoji(self, request, context):
        if request.id not in self.emojis:
            raise EmojiNotFound("There is no such emoji template.")
        return emoji_catalog_pb2.Emoji(id=request.id, etag="1")

    async def GetEmojiImage(self, request, context):
        self.image_calls += 1
        return HttpBody(content_type="image/png", data=picture(EXPRESSIONS.index(request.expression)))

    async def RecordUse(self, request, context):
        if self.down:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        self.uses.append(request)
        return Empty()

    async def CreateEmoji(self, request, context):
        raise NotImplementedError

    ListEmojis = DeleteEmoji = BatchGetEmojis = GetRanking = ForgetEmoji = CreateEmoji


def picture(number: int) -> bytes:
    """Return a disc on a transparent background, with another color for each expression."""
    image = Image.new("RGBA", (128, 128))
    ImageDraw.Draw(image).ellipse((4, 4, 124, 124), fill=(255, 30 * number, 0, 255))
    return encoded(image)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture(scope="session")
def models() -> Path:
    if not (MODELS / "manifest.json").is_file():
        pytest.fail("The models are not built: run `make assets`.")
    return MODELS


@pytest.fixture
async def upstreams(mesh: TestMesh) -> AsyncIterator[tuple[Upstreams, str, str]]:
    """Yield the fake services and their addresses: (upstreams, catalog, ranking)."""
    upstreams = Upstreams()  # type: ignore[abstract]

    def composer(service: str, full_name: str, add):
        async def compose_upstream(settings: ServiceSettings) -> MeshServer:
            return MeshServer(service, settings, {full_name: lambda server: add(upstreams, server)}, mesh.verifier, {})

        return compose_upstream

    catalog = composer(
        "emoji-catalog",
        "igemoji.emoji_catalog.v1.EmojiCatalogService",
        emoji_catalog_pb2_grpc.add_EmojiCatalogServiceServicer_to_server,
    )
    ranking = composer(
        "ranking", "igemoji.ranking.v1.RankingService", ranking_pb2_grpc.add_RankingServiceServicer_to_server
    )
    async with (
        running(catalog, mesh.settings(ServiceSettings, "emoji-catalog")) as first,
        running(ranking, mesh.settings(ServiceSettings, "ranking")) as second,
    ):
        yield upstreams, f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"


@pytest.fixture
def settings(mesh: TestMesh, upstreams: tuple[Upstreams, str, str], models: Path, tmp_path: Path) -> Settings:
    _, catalog, ranking = upstreams
    return mesh.settings(
        Settings,
        "inference",
        data_dir=tmp_path,
        models_dir=models,
        workers=1,
        emoji_catalog_address=catalog,
        ranking_address=ranking,
    )


@pytest.fixture
async def server(mesh: TestMesh, settings: Settings) -> AsyncIterator[MeshServer]:
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        yield server


@pytest.fixture
def stub(mesh: TestMesh, server: MeshServer) -> inference_pb2_grpc.InferenceServiceAsyncStub:
    return inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """Return a photo of one face that scikit-image ships (NASA, public domain), as JPEG."""
    from skimage import data

    return encoded(Image.fromarray(data.astronaut()), "JPEG")


@pytest.fixture(scope="session")
def landscape() -> bytes:
    """Return a photo without a face: a gradient."""
    return encoded(Image.linear_gradient("L").resize((320, 240)).convert("RGB"), "JPEG")
