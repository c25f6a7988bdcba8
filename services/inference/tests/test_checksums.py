"""What was damaged in the object store is told, and never given out as somebody's photo."""

import asyncio
import os
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa
from google.api.httpbody_pb2 import HttpBody

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji_inference.entrypoints.cli import operate
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason


class Shelf:
    """One finished photo, and the files behind it."""

    def __init__(self, stub, me, task_id: str, data_dir: Path, database_url: str) -> None:
        self.stub = stub
        self.me = me
        self.task_id = task_id
        self.data_dir = data_dir
        self.database_url = database_url
        self.folder = data_dir / "objects" / "inference"

    @property
    def result(self) -> Path:
        (path,) = self.folder.glob("results/*")
        return path

    async def image(self) -> bytes:
        request = pb.GetResultImageRequest(task_id=self.task_id)
        return b"".join([chunk.data async for chunk in self.stub.GetResultImage(request, metadata=self.me)])

    async def shared_image(self) -> bytes:
        shared = await self.stub.ShareResult(pb.ShareResultRequest(task_id=self.task_id), metadata=self.me)
        request = pb.GetSharedImageRequest(token=shared.token)
        return b"".join([chunk.data async for chunk in self.stub.GetSharedImage(request)])

    async def ended(self) -> pb.Task:
        steps = [
            step.task async for step in self.stub.WatchTask(pb.WatchTaskRequest(task_id=self.task_id), metadata=self.me)
        ]
        last: pb.Task = steps[-1]
        return last

    async def revise(self) -> pb.Task:
        request = pb.ReviseFaceRequest(task_id=self.task_id, face=0, covered=False)
        await self.stub.ReviseFace(request, metadata=self.me)
        return await self.ended()

    def forget_checksums(self) -> None:
        """As if the task were from before there were any."""
        engine = sa.create_engine(self.database_url)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE tasks SET photo_checksum = '', result_checksum = ''"))
        engine.dispose()


def damage(path: Path) -> bytes:
    """Flips a bit in the middle. Returns what lies there then."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return bytes(data)


@pytest.fixture
async def shelf(stub, mesh, peers, settings, portrait) -> Shelf:
    me = bearer(mesh.token(new_id()))
    request = pb.CreateTaskRequest(image=HttpBody(data=portrait), emoji_id=peers[0].add_emoji())
    task_id = (await stub.CreateTask(request, metadata=me)).task_id
    shelf = Shelf(stub, me, task_id, settings.data_dir, settings.database("inference"))
    assert (await shelf.ended()).state == pb.TASK_STATE_DONE
    return shelf


@pytest.mark.parametrize("read", [Shelf.image, Shelf.shared_image])
async def test_a_damaged_result_is_data_loss_and_no_photo(shelf, read):
    damage(shelf.result)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read(shelf)
    assert (caught.value.code(), error_reason(caught.value)) == (grpc.StatusCode.DATA_LOSS, "OBJECT_DAMAGED")
    assert str(shelf.result.name) not in (caught.value.details() or "")


async def test_a_damaged_original_is_not_revised_into_another_photo(shelf):
    before = await shelf.image()
    damage(shelf.folder / "photos" / shelf.task_id)
    ended = await shelf.revise()
    assert (ended.state, ended.error.reason) == (pb.TASK_STATE_FAILED, "DATA_DAMAGED")
    assert await shelf.image() == before


async def test_a_result_from_before_checksums_is_given_out(shelf):
    shelf.forget_checksums()
    assert await shelf.image() == shelf.result.read_bytes()
    ended = await shelf.revise()
    assert ended.state == pb.TASK_STATE_DONE
    assert await shelf.image()
    damage(shelf.result)
    with pytest.raises(grpc.aio.AioRpcError):
        await shelf.image()


async def check(shelf: Shelf, capsys, monkeypatch, *options: str) -> tuple[int, str]:
    """What `igemoji-inference check-objects` says, and its code."""
    monkeypatch.setenv("DATA_DIR", str(shelf.data_dir))
    monkeypatch.setenv("DATABASE_URL", shelf.database_url)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(operate, ["check-objects", *options])
    said = capsys.readouterr().out.splitlines(keepends=True)
    return int(ended.value.code or 0), "".join(line for line in said if "[info" not in line)  # what the service logs


async def test_the_command_finds_nothing_where_all_is_well(shelf, capsys, monkeypatch):
    code, said = await check(shelf, capsys, monkeypatch)
    # The photo, its result, and the seven pictures of its template.
    assert said == "inference: 9 objects intact, 0 without a checksum, 0 damaged, 0 missing, 0 orphans\n"
    assert code == 0


async def test_the_command_tells_what_is_damaged_missing_and_without_a_row(shelf, capsys, monkeypatch):
    damage(shelf.result)
    (shelf.folder / "photos" / shelf.task_id).unlink()
    picture = min(shelf.folder.glob("pictures/*"))
    damage(picture)
    old = f"{0:08x}-0000-7000-8000-{os.urandom(6).hex()}"
    orphan = shelf.folder / "photos" / old
    orphan.write_bytes(b"x")
    code, said = await check(shelf, capsys, monkeypatch)
    assert code == 1
    assert said.splitlines() == [
        f"damaged  results/{shelf.result.name}  of task {shelf.task_id}",
        f"damaged  pictures/{picture.name}  of task {shelf.task_id}",
        f"missing  photos/{shelf.task_id}  of task {shelf.task_id}",
        f"orphan   photos/{old}",
        "inference: 6 objects intact, 0 without a checksum, 2 damaged, 1 missing, 1 orphans",
    ]
    assert orphan.exists()
    await check(shelf, capsys, monkeypatch, "--remove-orphans")
    assert not orphan.exists()
    assert shelf.result.exists()


async def test_the_command_looks_at_what_has_no_checksum_all_the_same(shelf, capsys, monkeypatch):
    shelf.forget_checksums()
    assert (
        "7 objects intact, 2 without a checksum, 0 damaged, 0 missing" in (await check(shelf, capsys, monkeypatch))[1]
    )
    shelf.result.unlink()
    assert (await check(shelf, capsys, monkeypatch))[0] == 1
