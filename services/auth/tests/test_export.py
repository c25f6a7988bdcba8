"""Export of a user's data."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2, inference_pb2_grpc
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.call_context import caller
from igemoji_mesh.errors import NotFound
from igemoji_mesh.testing.mesh import TestMesh, bearer, error_reason, running

from .client import Auth, refusal
from .upstreams import serving

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
TASKS = [f"00000000-0000-7000-8000-{number:012}" for number in range(103)]
EMOJIS = [f"00000000-0000-7000-9000-{number:012}" for number in range(9)]


class PictureGone(NotFound):
    pass


class Results(inference_pb2_grpc.InferenceServiceServicer):
    """103 results of each user; one photo was deleted after it was listed."""

    async def ListResults(self, request, context):
        first = int(request.page_token or 0)
        end = first + request.page_size
        results = [inference_pb2.TaskResult(task_id=task_id, faces=3) for task_id in TASKS[first:end]]
        token = str(end) if end < len(TASKS) else ""
        return inference_pb2.ListResultsResponse(results=results, total=len(TASKS), next_page_token=token)

    async def GetResultImage(self, request, context):
        assert caller().user_id
        if request.task_id == TASKS[1]:
            raise PictureGone("There is no such result.")
        yield HttpBody(content_type="image/jpeg", data=b"photo ")
        yield HttpBody(data=request.task_id.encode())


class Templates(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer):
    """Nine private templates of each user."""

    async def ListEmojis(self, request, context):
        assert caller().user_id == request.owner_id
        first = int(request.page_token or 0)
        emojis = [emoji_catalog_pb2.Emoji(id=emoji_id, name="이름") for emoji_id in EMOJIS[first : first + 8]]
        token = str(first + 8) if first + 8 < len(EMOJIS) else ""
        return emoji_catalog_pb2.ListEmojisResponse(emojis=emojis, total=len(EMOJIS), next_page_token=token)

    async def GetEmojiImage(self, request, context):
        assert caller().user_id
        return HttpBody(content_type="image/png", data=f"{request.id} {request.expression}".encode())


@pytest.fixture
async def auth(mesh: TestMesh, make_settings: Any, addresses: dict[str, str], clock: Any) -> AsyncIterator[Auth]:
    settings = make_settings(listen=addresses["auth_address"], **addresses)
    async with running(partial(compose, now=clock), settings) as server:
        yield Auth(mesh, server)


@pytest.fixture
async def upstreams(mesh: TestMesh, addresses: dict[str, str]) -> AsyncIterator[None]:
    async with serving(mesh, addresses, inference=Results(), emoji_catalog=Templates()):  # type: ignore[abstract]
        yield


async def export(auth: Auth, token: str) -> tuple[zipfile.ZipFile, Any]:
    call = auth.stub.ExportMe(pb.ExportMeRequest(), metadata=bearer(token))
    pieces = [piece async for piece in call]
    assert pieces[0].content_type == "application/zip"
    return zipfile.ZipFile(io.BytesIO(b"".join(piece.data for piece in pieces))), await call.initial_metadata()


async def test_export_contains_account_templates_and_results(auth, upstreams):
    user = await auth.register(email="minji@example.org", alias="민지")
    archive, headers = await export(auth, (await auth.login(user.email)).access_token)
    assert dict(headers)["content-disposition"] == 'attachment; filename="igemoji.zip"'
    assert archive.testzip() is None
    account = json.loads(archive.read("account.json"))
    assert (account["id"], account["email"], account["alias"]) == (user.id, "minji@example.org", "민지")
    expected = {"account.json"}
    expected |= {f"templates/{emoji}/{file}.png" for emoji in EMOJIS for file in EXPRESSIONS}
    expected |= {f"templates/{emoji}/template.json" for emoji in EMOJIS}
    expected |= {f"results/{task}/result.json" for task in TASKS}
    expected |= {f"results/{task}/photo.jpg" for task in TASKS if task != TASKS[1]}
    assert set(archive.namelist()) == expected
    assert len(archive.namelist()) == len(expected)
    assert archive.read(f"templates/{EMOJIS[8]}/happy.png").decode() == f"{EMOJIS[8]} happy"
    assert archive.read(f"results/{TASKS[102]}/photo.jpg").decode() == f"photo {TASKS[102]}"
    assert json.loads(archive.read(f"templates/{EMOJIS[0]}/template.json"))["name"] == "이름"
    assert json.loads(archive.read(f"results/{TASKS[0]}/result.json"))["faces"] == 3


async def test_export_fails_if_an_upstream_is_down(auth):
    user = await auth.register()
    token = (await auth.login(user.email)).access_token
    error = await refusal(export(auth, token))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE")


async def test_export_requires_a_user(auth):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in auth.stub.ExportMe(pb.ExportMeRequest()):
            pass
    assert error_reason(caught.value) == "TOKEN_MISSING"
