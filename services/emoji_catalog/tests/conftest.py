"""The real service over mutual TLS, a fake ranking that records its calls, and drawn pictures."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from PIL import Image, ImageDraw

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_emoji_catalog.domain.model import EXPRESSIONS
from igemoji_emoji_catalog.entrypoints.settings import Settings
from igemoji_emoji_catalog.entrypoints.wiring import compose
from igemoji_mesh.ids import new_id
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import ServiceSettings
from igemoji_mesh.testing.mesh import TestMesh, bearer, free_port, running
from igemoji_vision.sandbox.pictures import PictureSandbox

RANKING = "igemoji.ranking.v1.RankingService"


def face(color: str, size: tuple[int, int] = (64, 64), kind: str = "PNG", **options: Any) -> bytes:
    """Draw a picture: a disc on transparent, or on white if the format has no alpha."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).ellipse((1, 1, size[0] - 2, size[1] - 2), fill=color)
    out = io.BytesIO()
    (image.convert("RGB") if kind == "JPEG" else image).save(out, kind, **options)
    return out.getvalue()


def faces(shade: int = 0) -> dict[str, bytes]:
    """Draw seven pictures that differ from each other, and from those of another shade."""
    return {name: face(f"rgb({shade},{30 * number},90)") for number, name in enumerate(EXPRESSIONS)}


class FakeRanking(ranking_pb2_grpc.RankingServiceServicer):
    """A ranking that records which templates to forget, show or hide."""

    def __init__(self) -> None:
        self.shown: dict[str, bool] = {}
        self.forgotten: list[str] = []

    async def GetRanking(self, request, context):
        raise NotImplementedError

    async def RecordUse(self, request, context):
        raise NotImplementedError

    DeleteUserData = RecordUse

    async def SetEmojiShown(self, request, context):
        self.shown[request.emoji_id] = request.shown
        return Empty()

    async def ForgetEmoji(self, request, context):
        self.forgotten.append(request.emoji_id)
        return Empty()


@dataclass
class User:
    alias: str
    role: str = "user"
    id: str = field(default_factory=new_id)


@dataclass
class Client:
    """Calls of a test, on behalf of a user."""

    stub: Any
    internal: Any
    """The same service, called by the ranking."""
    auth: Any
    """The same service, called by auth."""
    mesh: TestMesh
    pictures: Path
    """Folder of the object store with the pictures."""

    def as_(self, user: User | None) -> tuple[tuple[str, str], ...]:
        return bearer(self.mesh.token(user.id, user.alias, user.role)) if user else ()

    async def create(
        self, by: User, name: str = "Faces", images: Mapping[str, bytes] | None = None, **more: Any
    ) -> pb.Emoji:
        given = pb.Images(**(faces() if images is None else images))
        request = pb.CreateEmojiRequest(name=name, images=given, **more)
        answer: pb.Emoji = await self.stub.CreateEmoji(request, metadata=self.as_(by))
        return answer

    async def update(self, emoji_id: str, by: User, **changes: Any) -> pb.Emoji:
        request = pb.UpdateEmojiRequest(id=emoji_id, **changes)
        answer: pb.Emoji = await self.stub.UpdateEmoji(request, metadata=self.as_(by))
        return answer

    async def get(self, emoji_id: str, by: User | None = None) -> pb.Emoji:
        answer: pb.Emoji = await self.stub.GetEmoji(pb.GetEmojiRequest(id=emoji_id), metadata=self.as_(by))
        return answer

    async def page(self, number: int = 1, by: User | None = None, **wanted: Any) -> pb.ListEmojisResponse:
        request = pb.ListEmojisRequest(page_number=number, **wanted)
        answer: pb.ListEmojisResponse = await self.stub.ListEmojis(request, metadata=self.as_(by))
        return answer

    async def delete(self, emoji_id: str, by: User) -> None:
        await self.stub.DeleteEmoji(pb.DeleteEmojiRequest(id=emoji_id), metadata=self.as_(by))

    async def image(self, emoji: pb.Emoji, expression: str, v: str | None = None, by: User | None = None) -> bytes:
        """Return the picture at the URL of the template, or at another `v`."""
        v = getattr(emoji.images, expression).partition("?v=")[2] if v is None else v
        request = pb.GetEmojiImageRequest(id=emoji.id, expression=expression, v=v)
        answer = await self.stub.GetEmojiImage(request, metadata=self.as_(by))
        return bytes(answer.data)

    def stored(self) -> set[str]:
        """Return the names of the stored pictures."""
        return {path.name for path in self.pictures.glob("*.png")}


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def until(holds: Callable[[], bool], seconds: float = 8) -> None:
    """Wait for background work."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture(scope="session")
def kept() -> dict[tuple[bytes, bool], bytes]:
    """Return the normalized pictures of this run."""
    return {}


@pytest.fixture(scope="module", autouse=True)
def _normalize_each_picture_once(kept: dict[tuple[bytes, bool], bytes]) -> Iterator[None]:
    """Cache normalized pictures: most templates of these tests have the same, and seven take a third of a second.

    By module, because tests of other packages in the same run need the sandbox itself.
    """
    normalize = PictureSandbox.normalize

    async def normalize_once(self: PictureSandbox, picture: bytes, keep_background: bool) -> bytes:
        key = (picture, keep_background)
        if key not in kept:
            kept[key] = await normalize(self, picture, keep_background)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PictureSandbox, "normalize", normalize_once)
        yield


@pytest.fixture
def settings(mesh: TestMesh, tmp_path: Path) -> Settings:
    address = f"127.0.0.1:{free_port()}"
    return mesh.settings(Settings, "emoji-catalog", data_dir=tmp_path / "data", ranking_address=address)


@pytest.fixture
def start(mesh: TestMesh) -> Callable[[Settings], Any]:
    """Run the service within a block."""
    return partial(running, partial(compose, verifier=mesh.verifier))


@pytest.fixture
def start_ranking(mesh: TestMesh, settings: Settings) -> Callable[[FakeRanking], Any]:
    """Run a fake ranking at the address of the ranking, within a block."""

    async def compose_ranking(ranking_settings: ServiceSettings, ranking: FakeRanking) -> MeshServer:
        add = partial(ranking_pb2_grpc.add_RankingServiceServicer_to_server, ranking)
        return MeshServer("ranking", ranking_settings, {RANKING: add}, mesh.verifier, {})

    def start(ranking: FakeRanking) -> Any:
        ranking_settings = mesh.settings(ServiceSettings, "ranking", listen=settings.address_of("ranking"))
        return running(partial(compose_ranking, ranking=ranking), ranking_settings)

    return start


@pytest.fixture
def client_of(mesh: TestMesh, settings: Settings) -> Callable[[MeshServer], Client]:
    def client(server: MeshServer) -> Client:
        def stub(caller: str) -> Any:
            channel = mesh.channel(server.port, "emoji-catalog", caller=caller)
            return emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(channel)

        return Client(
            stub("gateway"),
            stub("ranking"),
            stub("auth"),
            mesh,
            settings.data_dir / "objects" / "emoji-catalog" / "pictures",
        )

    return client


@pytest.fixture
async def catalog(
    start: Callable[[Settings], Any], settings: Settings, client_of: Callable[[MeshServer], Client]
) -> AsyncIterator[Client]:
    """Return the running service."""
    async with start(settings) as server:
        yield client_of(server)


@pytest.fixture
def anna() -> User:
    return User("anna")


@pytest.fixture
def operator() -> User:
    return User("olga", "operator")


@pytest.fixture
def ben() -> User:
    return User("ben")
