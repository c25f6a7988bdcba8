"""Owners share and delete their tasks."""

import datetime

import grpc
import pytest
import sqlalchemy as sa
from google.api.httpbody_pb2 import HttpBody

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji_inference.adapters.db.tables import shares
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason


class Owner:
    def __init__(self, stub, mesh) -> None:
        self.stub = stub
        self.user_id = new_id()
        self.me = bearer(mesh.token(self.user_id))

    async def begin(self, photo: bytes, emoji_id: str) -> str:
        request = pb.CreateTaskRequest(image=HttpBody(data=photo), emoji_id=emoji_id)
        answer: pb.CreateTaskResponse = await self.stub.CreateTask(request, metadata=self.me)
        return answer.task_id

    async def finish(self, photo: bytes, emoji_id: str) -> str:
        task_id = await self.begin(photo, emoji_id)
        async for _ in self.stub.WatchTask(pb.WatchTaskRequest(task_id=task_id), metadata=self.me):
            pass
        return task_id

    async def share(self, task_id: str, days: int = 0) -> pb.ShareResultResponse:
        request = pb.ShareResultRequest(task_id=task_id, days=days)
        answer: pb.ShareResultResponse = await self.stub.ShareResult(request, metadata=self.me)
        return answer


@pytest.fixture
def owner(stub, mesh) -> Owner:
    return Owner(stub, mesh)


@pytest.fixture
def emoji_id(upstreams):
    return upstreams[0].add_emoji()


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def picture_behind(stub, token: str) -> bytes:
    stream = stub.GetSharedImage(pb.GetSharedImageRequest(token=token))
    return b"".join([chunk.data async for chunk in stream])


def objects(settings) -> list[str]:
    root = settings.data_dir / "objects" / "inference"
    return sorted(path.name[:36] for kind in ("photos", "results") for path in (root / kind).glob("*"))


async def test_a_link_shows_the_result_to_anyone_and_nothing_else(owner, stub, emoji_id, portrait):
    share = await owner.share(await owner.finish(portrait, emoji_id))
    assert share.url == f"/api/v1/shared/{share.token}"
    lasts = share.expires_at.ToDatetime(datetime.UTC) - utc_now()
    assert datetime.timedelta(days=6, hours=23) < lasts <= datetime.timedelta(days=7)
    shared = await stub.GetShared(pb.GetSharedRequest(token=share.token))
    assert (shared.width, shared.height, shared.emoji_id) == (512, 512, emoji_id)
    assert (await picture_behind(stub, share.token)).startswith(b"\xff\xd8")


async def test_expired_and_revoked_links_are_not_found(owner, stub, emoji_id, landscape, settings):
    task_id = await owner.finish(landscape, emoji_id)
    first, second = await owner.share(task_id), await owner.share(task_id, days=30)
    database = Database(settings.database("inference"))
    late = sa.update(shares).where(shares.c.expires_at < utc_now() + datetime.timedelta(days=8))
    await database.write(lambda connection: connection.execute(late.values(expires_at=utc_now())))
    await database.close()
    assert error_reason(await refusal(stub.GetShared(pb.GetSharedRequest(token=first.token)))) == "LINK_NOT_FOUND"
    assert await picture_behind(stub, second.token)
    await stub.UnshareResult(pb.UnshareResultRequest(task_id=task_id), metadata=owner.me)
    for call in (stub.GetShared(pb.GetSharedRequest(token=second.token)), picture_behind(stub, second.token)):
        assert error_reason(await refusal(call)) == "LINK_NOT_FOUND"


async def test_only_the_owner_can_share_and_only_a_result(owner, stub, mesh, emoji_id, landscape, portrait):
    task_id = await owner.finish(landscape, emoji_id)
    stranger = Owner(stub, mesh)
    assert error_reason(await refusal(stranger.share(task_id))) == "TASK_NOT_FOUND"
    unshare = stub.UnshareResult(pb.UnshareResultRequest(task_id=task_id), metadata=stranger.me)
    assert error_reason(await refusal(unshare)) == "TASK_NOT_FOUND"
    broken = await owner.finish(portrait[: len(portrait) // 2], emoji_id)
    assert error_reason(await refusal(owner.share(broken))) == "RESULT_NOT_READY"
    guess = stub.GetShared(pb.GetSharedRequest(token="A" * 22))
    assert error_reason(await refusal(guess)) == "LINK_NOT_FOUND"


async def test_deleting_a_task_deletes_its_objects_and_links(owner, stub, mesh, emoji_id, landscape, settings):
    kept, gone = await owner.finish(landscape, emoji_id), await owner.finish(landscape, emoji_id)
    share = await owner.share(gone)
    stranger = Owner(stub, mesh)
    refused = stub.DeleteTask(pb.DeleteTaskRequest(task_id=gone), metadata=stranger.me)
    assert error_reason(await refusal(refused)) == "TASK_NOT_FOUND"
    await stub.DeleteTask(pb.DeleteTaskRequest(task_id=gone), metadata=owner.me)
    assert set(objects(settings)) == {kept}
    for call in (
        stub.GetTask(pb.GetTaskRequest(task_id=gone), metadata=owner.me),
        stub.GetShared(pb.GetSharedRequest(token=share.token)),
    ):
        assert (await refusal(call)).code() == grpc.StatusCode.NOT_FOUND


async def test_a_deleted_account_leaves_nothing_and_its_uploads_are_refused(
    owner, stub, mesh, server, emoji_id, landscape, settings
):
    other = Owner(stub, mesh)
    kept = await other.finish(landscape, emoji_id)
    await owner.finish(landscape, emoji_id)
    for _ in range(3):
        await owner.begin(landscape, emoji_id)
    auth = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference", caller="auth"))
    for _ in range(2):
        await auth.DeleteUserData(pb.DeleteUserDataRequest(user_id=owner.user_id))
    assert error_reason(await refusal(owner.begin(landscape, emoji_id))) == "ACCOUNT_GONE"
    results = await auth.ListResults(pb.ListResultsRequest(user_id=owner.user_id, page_number=1, page_size=8))
    assert results.total == 0
    last = await other.finish(landscape, emoji_id)  # tasks of the deleted account have ended by now
    assert set(objects(settings)) == {kept, last}
    refused = stub.DeleteUserData(pb.DeleteUserDataRequest(user_id=other.user_id))
    assert (await refusal(refused)).code() == grpc.StatusCode.PERMISSION_DENIED
