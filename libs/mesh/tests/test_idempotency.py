"""Calls with an Idempotency-Key have one effect and one answer, also after crashes and races."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2
from igemoji_mesh.db import mysql
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.errors import NotFound
from igemoji_mesh.idempotency.answer import Answer, answer_once
from igemoji_mesh.idempotency.crypto import canonical_bytes
from igemoji_mesh.idempotency.interceptor import HEADER, REPLAYED
from igemoji_mesh.idempotency.keys import LEASE, RETENTION, IdempotencyKeys, idempotency_table
from igemoji_mesh.idempotency.replay import Replay
from igemoji_mesh.ids import new_id
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import ServiceSettings
from igemoji_mesh.testing.mesh import TestMesh, bearer, error_reason, running, violated_fields

SERVICE = "igemoji.emoji_catalog.v1.EmojiCatalogService"
KEY = "0b2a9a64-7c3f-4d0e-9f4a-7f1e1f6f2f10"

metadata = sa.MetaData()
idempotency_keys = idempotency_table(metadata)
things = sa.Table(
    "things", metadata, sa.Column("id", sa.String(36), primary_key=True), sa.Column("name", sa.String(50))
)


def make_tables(connection: sa.Connection) -> None:
    if connection.dialect.name == "mysql":
        mysql.prepare(connection)
    metadata.create_all(connection)


class NoSuchBase(NotFound):
    pass


class Crash(Exception):
    """End of a service between two steps."""


class Catalog(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer):
    def __init__(self, database: Database) -> None:
        self.database = database
        self.reports = 0
        self.killed = True
        self.started = asyncio.Event()
        self.may_continue = asyncio.Event()
        self.may_continue.set()

    async def CreateEmoji(self, request, context):
        return await answer_once(context, lambda replay: self.create(request, replay), self.to_answer)

    async def create(self, request: pb.CreateEmojiRequest, replay: Replay[str]) -> str:
        self.started.set()
        await self.may_continue.wait()
        if self.killed and "killed before" in request.tags:
            raise Crash
        if request.base_id:
            raise NoSuchBase("There is no such template.")
        thing = new_id()

        def work(connection: sa.Connection) -> None:
            connection.execute(things.insert().values(id=thing, name=request.name))
            replay.save(connection, thing)

        await self.database.write(work)
        if "killed after" in request.tags:
            raise Crash
        return thing

    def to_answer(self, thing: str) -> Answer[pb.Emoji]:
        return Answer(pb.Emoji(id=thing, owner=pb.Maker(alias="a secret")), {"location": f"/things/{thing}"})

    async def ReportEmoji(self, request, context):
        self.reports += 1
        return Empty()


@dataclass
class Service:
    mesh: TestMesh
    server: MeshServer
    catalog: Catalog
    keys: IdempotencyKeys
    clock: SimpleNamespace
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def stub(self) -> Any:
        return emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(self.mesh.channel(self.server.port, "emoji-catalog"))

    def create(self, *, key: str | None = KEY, by: str = "anna", **fields: Any) -> Any:
        token = self.tokens.setdefault(by, self.mesh.token())
        with_key = ((HEADER, key),) if key is not None else ()
        request = pb.CreateEmojiRequest(**({"name": "Zoo"} | fields))
        return self.stub.CreateEmoji(request, metadata=(*bearer(token), *with_key))

    async def count(self) -> int:
        count = sa.select(sa.func.count()).select_from(things)
        return await self.catalog.database.read(lambda connection: connection.execute(count).scalar_one())


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture
async def service(mesh: TestMesh, database_url: str) -> AsyncIterator[Service]:
    database = Database(database_url)
    await database.write(make_tables)
    clock = SimpleNamespace(now=utc_now())
    catalog = Catalog(database)  # type: ignore[abstract] # other methods are not called
    keys = IdempotencyKeys(database, idempotency_keys, lambda: clock.now)

    async def compose(settings: ServiceSettings) -> MeshServer:
        add = partial(emoji_catalog_pb2_grpc.add_EmojiCatalogServiceServicer_to_server, catalog)
        return MeshServer("emoji-catalog", settings, {SERVICE: add}, mesh.verifier, {}, keys)

    async with running(compose, mesh.settings(ServiceSettings, "emoji-catalog", max_calls=100)) as server:
        yield Service(mesh, server, catalog, keys, clock)
    await database.close()


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), error_reason(caught.value)


async def test_repeated_call_replays_answer_and_headers(service):
    first = service.create()
    made = await first
    second = service.create()
    assert await second == made
    assert await service.count() == 1
    headers = [dict(await call.initial_metadata()) for call in (first, second)]
    assert headers[1] == headers[0] | {REPLAYED: "true"}
    assert (headers[1]["x-http-code"], headers[1]["location"]) == ("201", f"/things/{made.id}")


async def test_other_key_or_no_key_has_another_effect(service):
    for key in (KEY, KEY[::-1], None, None):
        await service.create(key=key)
    assert await service.count() == 4


async def test_key_with_another_request_is_refused(service):
    await service.create()
    assert await refusal(service.create(name="Ark")) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")
    assert await service.count() == 1


async def test_key_belongs_to_one_caller_and_one_rpc(service):
    mine, theirs = await service.create(by="anna"), await service.create(by="ben")
    assert mine.id != theirs.id
    report = pb.ReportEmojiRequest(id=new_id(), reason="spam")
    metadata = (*bearer(service.tokens["anna"]), (HEADER, KEY))
    for _ in range(2):
        await service.stub.ReportEmoji(report, metadata=metadata)
    assert service.catalog.reports == 1


async def test_of_fifty_concurrent_calls_one_has_an_effect(service):
    service.catalog.may_continue.clear()
    calls = {asyncio.ensure_future(service.create()) for _ in range(50)}
    refused: list[tuple[grpc.StatusCode, str]] = []
    while len(refused) < 49:
        done, calls = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        refused += [await refusal(call) for call in done]
    service.catalog.may_continue.set()
    assert set(refused) == {(grpc.StatusCode.ABORTED, "IDEMPOTENT_CALL_UNDER_WAY")}
    (first,) = calls
    assert await first == await service.create()
    assert await service.count() == 1


async def test_error_is_not_stored(service):
    assert await refusal(service.create(base_id=new_id())) == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_BASE")
    await service.create()
    assert await service.count() == 1


async def test_crash_after_commit_does_not_repeat_the_effect(service):
    assert (await refusal(service.create(tags=["killed after"])))[0] == grpc.StatusCode.INTERNAL
    answer = await service.create(tags=["killed after"])
    assert answer.id
    assert await service.count() == 1


async def test_slow_call_has_no_effect_after_its_key_was_taken_over(service):
    service.catalog.may_continue.clear()
    slow = asyncio.ensure_future(refusal(service.create()))
    await service.catalog.started.wait()
    service.catalog.started.clear()
    service.clock.now += LEASE
    second = asyncio.ensure_future(service.create())
    await service.catalog.started.wait()
    service.catalog.may_continue.set()
    assert await slow == (grpc.StatusCode.ABORTED, "IDEMPOTENT_CALL_UNDER_WAY")
    assert (await second) == await service.create()
    assert await service.count() == 1


async def test_key_of_a_killed_service_is_free_after_the_lease(service, monkeypatch):
    async def release_nothing(call: object) -> None: ...

    monkeypatch.setattr(service.keys, "release", release_nothing)
    await refusal(service.create(tags=["killed before"]))
    monkeypatch.undo()
    under_way = (grpc.StatusCode.ABORTED, "IDEMPOTENT_CALL_UNDER_WAY")
    assert await refusal(service.create(tags=["killed before"])) == under_way
    service.clock.now += LEASE
    service.catalog.killed = False
    await service.create(tags=["killed before"])
    assert await service.count() == 1


async def test_answer_is_stored_for_a_day_and_then_swept(service):
    first = await service.create()
    service.clock.now += RETENTION - datetime.timedelta(seconds=1)
    assert await service.create() == first
    assert await service.keys.sweep() == 0
    service.clock.now += datetime.timedelta(seconds=1)
    assert await service.keys.sweep() == 1
    assert (await service.create()).id != first.id


async def test_expired_key_accepts_any_request_before_the_sweep(service):
    await service.create()
    service.clock.now += RETENTION
    await service.create(name="Ark")
    assert await service.count() == 2


@pytest.mark.parametrize("key", ["", "short", "a" * 129, "with a space in it"])
async def test_invalid_key_is_refused_by_name(service, key):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.create(key=key)
    assert (caught.value.code(), violated_fields(caught.value)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        ["Idempotency-Key"],
    )


@pytest.mark.parametrize("key", ["a" * 16, "a" * 128])
async def test_shortest_and_longest_key_are_accepted(service, key):
    assert await service.create(key=key) == await service.create(key=key)


async def test_database_has_no_key_answer_or_request_in_plaintext(service):
    await service.create(name="password of a user")
    rows = sa.select(idempotency_keys)
    row = await service.catalog.database.read(lambda connection: connection.execute(rows).one())
    assert len(row.answer) > 50
    everything = repr(row._asdict()).encode() + row.answer
    for secret in (KEY, "a secret", "password of a user"):
        assert secret.encode() not in everything


def test_form_boundary_does_not_change_the_request():
    def request(boundary: str, photo: bytes) -> bytes:
        content_type = f'multipart/form-data; boundary="{boundary}"'
        data = b"--" + boundary.encode() + b"\r\n\r\n" + photo + b"\r\n--" + boundary.encode() + b"--\r\n"
        body = HttpBody(content_type=content_type, data=data)
        return canonical_bytes(inference_pb2.CreateTaskRequest(image=body, emoji_id="x"))

    assert request("one", b"photo") == request("another", b"photo") != request("one", b"another photo")
