"""My page, with fakes of inference and emoji_catalog over real channels."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2, inference_pb2_grpc
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.call_context import caller
from igemoji_mesh.testing.mesh import TestMesh, bearer, error_reason, running, violated_fields

from .client import Auth, refusal
from .upstreams import serving


class Inference(inference_pb2_grpc.InferenceServiceServicer):
    """Fake with eleven results of each user."""

    async def ListResults(self, request, context):
        if not (request.page_token or "0").isdigit():
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such token")
        first = int(request.page_token or (request.page_number - 1) * request.page_size)
        ids = [f"{request.user_id}/{number}" for number in range(11)][first : first + request.page_size]
        results = [inference_pb2.TaskResult(task_id=task_id, faces=3) for task_id in ids]
        token = str(first + len(ids)) if first + len(ids) < 11 else ""
        return inference_pb2.ListResultsResponse(results=results, total=11, total_is_exact=True, next_page_token=token)


class EmojiCatalog(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer):
    """Fake with one private template of each maker."""

    async def ListEmojis(self, request, context):
        if request.page_token:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such token")
        if caller().user_id != request.owner_id or request.page_number > 1:
            return emoji_catalog_pb2.ListEmojisResponse(total=0)
        owner = emoji_catalog_pb2.Maker(id=request.owner_id, alias=caller().alias)
        emoji = emoji_catalog_pb2.Emoji(name="private", owner=owner)
        return emoji_catalog_pb2.ListEmojisResponse(emojis=[emoji], total=1)


@pytest.fixture
async def auth(mesh: TestMesh, make_settings: Any, addresses: dict[str, str]) -> AsyncIterator[Auth]:
    settings = make_settings(listen=addresses["auth_address"], **addresses)
    async with running(compose, settings) as server:
        yield Auth(mesh, server)


@pytest.fixture
async def upstreams(mesh: TestMesh, addresses: dict[str, str]) -> AsyncIterator[None]:
    async with serving(mesh, addresses, inference=Inference(), emoji_catalog=EmojiCatalog()):  # type: ignore[abstract]
        yield


async def my_page(
    auth: Auth, token: str, case: str, page_number: int = 0, page_token: str = ""
) -> pb.GetMyPageResponse:
    request = pb.GetMyPageRequest(case=case, page_number=page_number, page_token=page_token)
    return await auth.stub.GetMyPage(request, metadata=bearer(token))


async def logged_in(auth: Auth) -> tuple[pb.User, str]:
    user = await auth.register()
    return user, (await auth.login(user.email)).access_token


async def test_results_are_paged_by_eight(auth, upstreams):
    user, token = await logged_in(auth)
    first = await my_page(auth, token, "result")
    assert first == await my_page(auth, token, "result", 1)
    assert [result.task_id for result in first.results] == [f"{user.id}/{number}" for number in range(8)]
    last = await my_page(auth, token, "result", 2)
    assert [result.task_id for result in last.results] == [f"{user.id}/{number}" for number in range(8, 11)]
    assert (first.total, last.total, len(first.emojis)) == (11, 11, 0)
    assert first.total_is_exact
    assert await my_page(auth, token, "result", page_token=first.next_page_token) == last
    assert last.next_page_token == ""


async def test_uploads_are_read_with_the_users_token(auth, upstreams):
    user, token = await logged_in(auth)
    page = await my_page(auth, token, "upload")
    assert [(emoji.name, emoji.owner.id, emoji.owner.alias) for emoji in page.emojis] == [
        ("private", user.id, user.alias)
    ]
    assert (page.total, len(page.results)) == (1, 0)


@pytest.mark.parametrize("case", ["result", "upload"])
async def test_invalid_page_token_is_an_input_error(auth, upstreams, case):
    _, token = await logged_in(auth)
    error = await refusal(my_page(auth, token, case, page_token="made up"))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")


async def test_upstream_failure_is_reported_and_other_calls_work(auth):
    user, token = await logged_in(auth)
    for case in ("result", "upload"):
        error = await refusal(my_page(auth, token, case))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE")
    assert await auth.me(token) == user


async def test_my_page_requires_a_user_and_a_known_case(auth):
    error = await refusal(auth.stub.GetMyPage(pb.GetMyPageRequest(case="result")))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")
    _, token = await logged_in(auth)
    for case, page_number, field in (("likes", 1, "case"), ("result", -1, "page_number")):
        error = await refusal(my_page(auth, token, case, page_number))
        assert (error.code(), violated_fields(error)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
