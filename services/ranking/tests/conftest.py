"""The service over mutual TLS, with a clock that tests set and a fake catalog that can be down."""

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
    """Clock of the service."""

    now: datetime.datetime = datetime.datetime(2026, 3, 31, 12, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += datetime.timedelta(**time)


class Unimplemented(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer):
    async def CreateEmoji(self, request, context):
        raise NotImplementedError

    GetEmoji = ListEmojis = DeleteEmoji = GetEmojiImage = CreateEmoji


class FakeCatalog(Unimplemented):
    """Fake with a template for every id that is not deleted."""

    def __init__(self) -> None:
        self.deleted: set[str] = set()
        self.down = False
        self.requested: list[list[str]] = []
        self.uses: dict[str, int] = {}

    async def UpdateUseCounts(self, request, context):
        if self.down:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        self.uses |= {count.emoji_id: count.uses for count in request.counts}
        return Empty()

    async def BatchGetEmojis(self, request, context):
        if self.down:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        self.requested.append(list(request.ids))
        emojis = [
            catalog_pb.Emoji(id=emoji_id, name=f"Name of {emoji_id}")
            for emoji_id in request.ids
            if emoji_id not in self.deleted
        ]
        return catalog_pb.BatchGetEmojisResponse(emojis=emojis)


@dataclass
class Client:
    """Client of the service, as each of its callers."""

    public: Any
    inference: Any
    emoji_catalog: Any
    auth: Any
    clock: Clock
    recorded: list[pb.RecordUseRequest] = field(default_factory=list)

    async def use(self, emoji_id: str, *, users: int = 1, user_id: str = "", **ago: float) -> None:
        """Record uses of a template by new users, or by one user, some time ago."""
        for _ in range(users):
            request = pb.RecordUseRequest(task_id=new_id(), emoji_id=emoji_id, user_id=user_id or new_id())
            request.used_at.FromDatetime(self.clock.now - datetime.timedelta(**ago))
            await self.record(request)

    async def record(self, request: pb.RecordUseRequest) -> None:
        self.recorded.append(request)
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
        """Return rank, id and uses of every entry."""
        return [(entry.rank, entry.emoji.id, entry.uses) for entry in await self.entries(window, limit)]


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog()  # type: ignore[abstract]


@pytest.fixture
async def catalog_address(mesh: TestMesh, catalog: FakeCatalog) -> AsyncIterator[str]:
    server = grpc.aio.server()
    emoji_catalog_pb2_grpc.add_EmojiCatalogServiceServicer_to_server(catalog, server)
    credentials = server_credentials(mesh.settings(ServiceSettings, "emoji-catalog"))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.fixture
def settings(mesh: TestMesh, catalog_address: str, tmp_path: Path) -> Settings:
    changes = {"data_dir": tmp_path, "emoji_catalog_address": catalog_address, "names_fresh_seconds": 0.2}
    changes |= {"tell_uses_seconds": 0.05}
    return mesh.settings(Settings, "ranking", **changes)


@pytest.fixture
def start(mesh: TestMesh, clock: Clock) -> Callable[[Settings], Any]:
    """Return a context manager that runs the service."""
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
    """Return a client of the running service."""
    async with start(settings) as server:
        yield client_of(server)
