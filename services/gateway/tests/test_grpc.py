"""gRPC and gRPC-Web clients, on the same port as REST."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest

from igemoji.auth.v1 import auth_pb2, auth_pb2_grpc
from igemoji.inference.v1 import inference_pb2, inference_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc

from .fake_mesh import SOME_ID, FakeMesh
from .test_errors import fails

pytestmark = pytest.mark.asyncio(loop_scope="session")

GET_ME = "/igemoji.auth.v1.AuthService/GetMe"
CREATE_TASK = "/igemoji.inference.v1.InferenceService/CreateTask"
WATCH_TASK = "/igemoji.inference.v1.InferenceService/WatchTask"
GET_RANKING = "/igemoji.ranking.v1.RankingService/GetRanking"

Metadata = tuple[tuple[str, str], ...]


@pytest.fixture
def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


async def test_generated_stub_works_through_the_gateway(
    mesh: FakeMesh, channel: grpc.aio.Channel, bearer: Metadata
) -> None:
    mesh.answers[GET_ME] = lambda _request, _context: auth_pb2.User(alias="이모지")
    answer = await auth_pb2_grpc.AuthServiceStub(channel).GetMe(auth_pb2.GetMeRequest(), metadata=bearer)
    assert answer.alias == "이모지"


async def test_http_status_does_not_break_a_grpc_call(
    mesh: FakeMesh, channel: grpc.aio.Channel, bearer: Metadata
) -> None:
    async def accepted(_request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("x-http-code", "202"), ("location", "/somewhere")))
        return inference_pb2.CreateTaskResponse(task_id=SOME_ID)

    mesh.answers[CREATE_TASK] = accepted
    photo = bytes(16 << 20)
    request = inference_pb2.CreateTaskRequest(image={"data": photo}, emoji_id=SOME_ID)
    call = inference_pb2_grpc.InferenceServiceStub(channel).CreateTask(request, metadata=bearer)
    assert (await call).task_id == SOME_ID
    initial = dict(await call.initial_metadata())
    assert initial["location"] == "/somewhere"
    assert "x-http-code" not in initial
    assert len(mesh.calls[0].request.image.data) == len(photo)


async def test_stream_is_not_buffered(mesh: FakeMesh, channel: grpc.aio.Channel, bearer: Metadata) -> None:
    seen = [asyncio.Event() for _ in range(3)]

    async def steps(_request: Any, _context: Any) -> AsyncIterator[Any]:
        for number, event in enumerate(seen):
            yield inference_pb2.WatchTaskResponse(sequence=number)
            await asyncio.wait_for(event.wait(), 5)

    mesh.answers[WATCH_TASK] = steps
    stub = inference_pb2_grpc.InferenceServiceStub(channel)
    sequences = []
    async for step in stub.WatchTask(inference_pb2.WatchTaskRequest(task_id=SOME_ID), metadata=bearer):
        sequences.append(step.sequence)
        seen[step.sequence].set()
    assert sequences == [0, 1, 2]


async def test_error_keeps_code_and_details(mesh: FakeMesh, channel: grpc.aio.Channel) -> None:
    mesh.answers[GET_RANKING] = fails(9, "SOME_REASON")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest())
    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert raised.value.details() == "It went wrong: SOME_REASON"
    assert "grpc-status-details-bin" in dict(raised.value.trailing_metadata() or ())


async def test_client_deadline_is_propagated(mesh: FakeMesh, channel: grpc.aio.Channel) -> None:
    await ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest(), timeout=3)
    assert mesh.calls[0].deadline_seconds is not None
    assert 2 < mesh.calls[0].deadline_seconds < 4


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
async def test_grpc_web(text: bool, mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    ranking = ranking_pb2.GetRankingResponse(entries=[ranking_pb2.RankingEntry(rank=7)])
    mesh.answers[GET_RANKING] = lambda _request, _context: ranking
    frame = bytes(5)
    headers = {"content-type": "application/grpc-web-text" if text else "application/grpc-web+proto"}
    headers["accept"] = headers["content-type"]
    reply = await client.post(GET_RANKING, content=base64.b64encode(frame) if text else frame, headers=headers)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith(headers["content-type"].removesuffix("+proto"))
    body = decoded(reply.content) if text else reply.content
    length = int.from_bytes(body[1:5], "big")
    assert ranking_pb2.GetRankingResponse.FromString(body[5 : 5 + length]).entries[0].rank == 7
    assert b"grpc-status:0" in body[5 + length :]


def decoded(content: bytes) -> bytes:
    """Decode grpc-web-text, whose chunks are padded separately."""
    pieces = content.replace(b"=", b"= ").replace(b"= =", b"==").split(b" ")
    return b"".join(base64.b64decode(piece) for piece in pieces)


async def test_grpc_web_gets_missing_token_as_grpc_status(client: httpx.AsyncClient) -> None:
    reply = await client.post(GET_ME, content=bytes(5), headers={"content-type": "application/grpc-web+proto"})
    assert reply.headers["grpc-status"] == "16"
    assert "access token" in reply.headers["grpc-message"]
