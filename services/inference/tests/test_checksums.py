"""Objects that were damaged in the store are reported and never returned."""

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


class Stored:
    """A finished task and its files."""

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
        """Make the task one that was stored before checksums were."""
        engine = sa.create_engine(self.database_url)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE tasks SET photo_checksum = '', result_checksum = ''"))
        engine.dispose()


def damage(path: Path) -> bytes:
    """Flip a bit in the middle of a file and return its content."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return bytes(data)


@pytest.fixture
async def stored(stub, mesh, upstreams, settings, portrait) -> Stored:
    me = bearer(mesh.token(new_id()))
    request = pb.CreateTaskRequest(image=HttpBody(data=portrait), emoji_id=upstreams[0].add_emoji())
    task_id = (await stub.CreateTask(request, metadata=me)).task_id
    stored = Stored(stub, me, task_id, settings.data_dir, settings.database("inference"))
    assert (await stored.ended()).state == pb.TASK_STATE_DONE
    return stored


@pytest.mark.parametrize("read", [Stored.image, Stored.shared_image])
async def test_a_damaged_result_is_reported_as_data_loss(stored, read):
    damage(stored.result)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read(stored)
    assert (caught.value.code(), error_reason(caught.value)) == (grpc.StatusCode.DATA_LOSS, "OBJECT_DAMAGED")
    assert str(stored.result.name) not in (caught.value.details() or "")


async def test_a_damaged_original_is_not_revised(stored):
    before = await stored.image()
    damage(stored.folder / "photos" / stored.task_id)
    ended = await stored.revise()
    assert (ended.state, ended.error.reason) == (pb.TASK_STATE_FAILED, "DATA_DAMAGED")
    assert await stored.image() == before


async def test_a_result_without_a_checksum_is_returned(stored):
    stored.forget_checksums()
    assert await stored.image() == stored.result.read_bytes()
    ended = await stored.revise()
    assert ended.state == pb.TASK_STATE_DONE
    assert await stored.image()
    damage(stored.result)
    with pytest.raises(grpc.aio.AioRpcError):
        await stored.image()


async def check(stored: Stored, capsys, monkeypatch, *options: str) -> tuple[int, str]:
    """Run `igemoji-inference check-objects`; return its exit code and its output."""
    monkeypatch.setenv("DATA_DIR", str(stored.data_dir))
    monkeypatch.setenv("DATABASE_URL", stored.database_url)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(operate, ["check-objects", *options])
    said = capsys.readouterr().out.splitlines(keepends=True)
    return int(ended.value.code or 0), "".join(
        line for line in said if "[info" not in line
    )  # without logs of the service


async def test_the_audit_of_intact_objects_finds_nothing(stored, capsys, monkeypatch):
    code, said = await check(stored, capsys, monkeypatch)
    # The photo, its result, and the seven pictures of its template.
    assert said == "inference: 9 objects intact, 0 without a checksum, 0 damaged, 0 missing, 0 orphans\n"
    assert code == 0


async def test_the_audit_reports_damaged_missing_and_orphaned_objects(stored, capsys, monkeypatch):
    damage(stored.result)
    (stored.folder / "photos" / stored.task_id).unlink()
    picture = min(stored.folder.glob("pictures/*"))
    damage(picture)
    old = f"{0:08x}-0000-7000-8000-{os.urandom(6).hex()}"
    orphan = stored.folder / "photos" / old
    orphan.write_bytes(b"x")
    code, said = await check(stored, capsys, monkeypatch)
    assert code == 1
    assert said.splitlines() == [
        f"damaged  results/{stored.result.name}  of task {stored.task_id}",
        f"damaged  pictures/{picture.name}  of task {stored.task_id}",
        f"missing  photos/{stored.task_id}  of task {stored.task_id}",
        f"orphan   photos/{old}",
        "inference: 6 objects intact, 0 without a checksum, 2 damaged, 1 missing, 1 orphans",
    ]
    assert orphan.exists()
    await check(stored, capsys, monkeypatch, "--remove-orphans")
    assert not orphan.exists()
    assert stored.result.exists()


async def test_the_audit_finds_missing_objects_without_a_checksum(stored, capsys, monkeypatch):
    stored.forget_checksums()
    assert (
        "7 objects intact, 2 without a checksum, 0 damaged, 0 missing" in (await check(stored, capsys, monkeypatch))[1]
    )
    stored.result.unlink()
    assert (await check(stored, capsys, monkeypatch))[0] == 1
