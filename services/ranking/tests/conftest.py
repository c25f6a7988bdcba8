"""The real service over mutual TLS, with a clock that a test can turn and a catalogue that can be silent."""

import datetime
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as catalog_pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2 as pb
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_mesh.ids import new_id
from igemoji_mesh.server import MeshServer, server_credentials
from igemoji_mesh.settings import ServiceSettings
from igemoji_mesh.testing.mesh import TestMesh, running
from igemoji_ranking.entrypoints.settings import Settings
from igemoji_ranking.entrypoints.wiring import compose


@dataclass
class Clock:
    """The time that the service believes."""

    now: datetime.datetime = datetime.datetime(2026, 3, 31, 12, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += datetime.timedelta(**time)


class Unimplemented(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer):
    async def CreateEmoji(self, request, context):
        raise NotImplementedError

    GetEmoji = ListEmojis = DeleteEmoji = GetEmojiImage = CreateEmoji


class FakeCatalogue(Unimplemented):
    """Has a template for every id, but those that are gone."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.silent = False
        self.asked: list[list[str]] = []
        self.uses: dict[str, int] = {}

    async def UpdateUseCounts(self, request, context):
        if self.silent:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "silent")
        self.uses |= {count.emoji_id: count.uses for count in request.counts}
        return Empty()

    async def BatchGetEmojis(self, request, context):
        if self.silent:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "silent")
        self.asked.append(list(request.ids))
        emojis = [
            catalog_pb.Emoji(id=asked, name=f"Name of {asked}") for asked in request.ids if asked not in self.gone
        ]
        return catalog_pb.BatchGetEmojisResponse(emojis=emojis)


@dataclass
class Client:
    """The calls of a test."""

    public: Any
    inference: Any
    emoji_catalog: Any
    auth: Any
    clock: Clock
    told: list[pb.RecordUseRequest] = field(default_factory=list)

    async def use(self, emoji_id: str, *, users: int = 1, user_id: str = "", **ago: float) -> None:
        """Some users use a template, a while ago."""
        for _ in range(users):
            request = pb.RecordUseRequest(task_id=new_id(), emoji_id=emoji_id, user_id=user_id or new_id())
            request.used_at.FromDatetime(self.clock.now - datetime.timedelta(**ago))
            await self.tell(request)

    async def tell(self, request: pb.RecordUseRequest) -> None:
        self.told.append(request)
        await self.inference.RecordUse(request)

    async def forget(self, emoji_id: str) -> None:
        await self.emoji_catalog.ForgetEmoji(pb.ForgetEmojiRequest(emoji_id=emoji_id))

    async def show(self, emoji_id: str, shown: bool, revision: int) -> None:
        request = pb.SetEmojiShownRequest(emoji_id=emoji_id, shown=shown, revision=revision)
        await self.emoji_catalog.SetEmojiShown(request)

    async def delete_user(self, user_id: str) -> None:
        await self.auth.DeleteUserData(pb.DeleteUserDataRequest(user_id=user_id))

    async def entries(self, window: str = "", limit: int = 0) -> list[pb.RankingEntry]:
        answer = await self.public.GetRanking(pb.GetRankingRequest(window=window, limit=limit))
        return list(answer.entries)

    async def ranking(self, window: str = "", limit: int = 0) -> list[tuple[int, str, int]]:
        """Rank, id and uses of every entry."""
        return [(entry.rank, entry.emoji.id, entry.uses) for entry in await self.entries(window, limit)]


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue() -> FakeCatalogue:
    return FakeCatalogue()  # type: ignore[abstract]


@pytest.fixture
async def catalogue_address(mesh: TestMesh, catalogue: FakeCatalogue) -> AsyncIterator[str]:
    server = grpc.aio.server()
    emoji_catalog_pb2_grpc.add_EmojiCatalogServiceServicer_to_server(catalogue, server)
    credentials = server_credentials(mesh.settings(ServiceSettings, "emoji-catalog"))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.fixture
def settings(mesh: TestMesh, catalogue_address: str, tmp_path: Path) -> Settings:
    changes = {"data_dir": tmp_path, "emoji_catalog_address": catalogue_address, "names_fresh_seconds": 0.2}
    changes |= {"tell_uses_seconds": 0.05}
    return mesh.settings(Settings, "ranking", **changes)


@pytest.fixture
def start(mesh: TestMesh, clock: Clock) -> Callable[[Settings], Any]:
    """Runs the service within a block."""
    return partial(running, partial(compose, verifier=mesh.verifier, now=clock))


@pytest.fixture
def client_of(mesh: TestMesh, clock: Clock) -> Callable[[MeshServer], Client]:
    def client(server: MeshServer) -> Client:
        def stub(caller: str) -> Any:
            return ranking_pb2_grpc.RankingServiceStub(mesh.channel(server.port, "ranking", caller=caller))

        return Client(stub("gateway"), stub("inference"), stub("emoji-catalog"), stub("auth"), clock)

    return client


@pytest.fixture
async def ranking(
    start: Callable[[Settings], Any], settings: Settings, client_of: Callable[[MeshServer], Client]
) -> AsyncIterator[Client]:
    """The running service."""
    async with start(settings) as server:
        yield client_of(server)
