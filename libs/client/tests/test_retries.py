"""Retries: which calls, how often and how soon."""

import json

import httpx
import pytest

from igemoji_client import (
    ApiError,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    FieldViolation,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Options,
    ServerTrouble,
    TooManyRequests,
)

from .conftest import QUICK, TEMPLATE, ok, refusal

GET = "GET /api/v1/emojis/t1"
CREATE = "POST /api/v1/emojis"
UPDATE = "PATCH /api/v1/emojis/t1"
LOST = httpx.ReadError("lost")


@pytest.mark.parametrize("trouble", [refusal(502), refusal(503), refusal(504), LOST, httpx.ConnectError("down")])
async def test_reads_are_retried_after_transient_errors(server, client, trouble):
    server.on(GET, trouble, trouble, ok(TEMPLATE))
    assert (await client.templates.get("t1")).name == "Cats"
    assert server.count(GET) == 3


async def test_retries_are_bounded(server, client):
    server.on(GET, refusal(503))
    with pytest.raises(ServerTrouble):
        await client.templates.get("t1")
    assert server.count(GET) == QUICK.tries
    with pytest.raises(ServerTrouble):
        await client.with_options(Options(tries=1)).templates.get("t1")
    assert server.count(GET) == QUICK.tries + 1


@pytest.mark.parametrize("answer", [refusal(500), refusal(404), refusal(400), refusal(403)])
async def test_permanent_errors_are_not_retried(server, client, answer):
    server.on(GET, answer)
    with pytest.raises(ApiError):
        await client.templates.get("t1")
    assert server.count(GET) == 1


async def test_creating_post_is_retried_with_the_same_key(server, client):
    server.on(CREATE, LOST, refusal(409, "IDEMPOTENT_CALL_UNDER_WAY"), refusal(503), ok(TEMPLATE, 201))
    await client.templates.create("Cats", {"happy": b"png"})
    await client.templates.create("Cats", idempotency_key="of-my-own-choice-1")
    keys = [request.headers["idempotency-key"] for request in server.calls(CREATE)]
    assert len(keys) == 5
    assert len(set(keys[:4])) == 1
    assert len(keys[0]) >= 16
    assert keys[4] == "of-my-own-choice-1"
    assert len({request.content for request in server.calls(CREATE)[:4]}) == 1


@pytest.mark.parametrize("trouble", [refusal(503), LOST, refusal(409, "EDIT_CONFLICT")])
async def test_change_that_may_have_arrived_is_not_retried(server, client, trouble):
    server.on(UPDATE, trouble, ok(TEMPLATE))
    with pytest.raises((ServerTrouble, ConnectionFailed, Conflict)):
        await client.templates.update("t1", etag="e", name="Dogs")
    assert server.count(UPDATE) == 1


async def test_change_that_cannot_have_arrived_is_retried(server, client):
    server.on(UPDATE, httpx.ConnectError("refused"), ok(TEMPLATE))
    await client.templates.update("t1", etag="e", tags=[])
    last = server.calls(UPDATE)[-1]
    assert json.loads(last.content) == {"etag": "e", "keep_background": False, "tags": [], "update_mask": "tags"}


async def test_retry_after_is_honored(server, client, monkeypatch):
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("igemoji_client.transport.asyncio.sleep", sleep)
    server.on(UPDATE, refusal(429, "TOO_MANY", **{"retry-after": "3"}), ok(TEMPLATE))
    await client.templates.update("t1", etag="")
    assert waited == [3]


async def test_retry_after_beyond_the_deadline_raises_at_once(server, client):
    server.on(GET, refusal(429, "TOO_MANY_CALLS", **{"retry-after": "60"}))
    with pytest.raises(TooManyRequests) as caught:
        await client.templates.get("t1")
    assert (caught.value.retry_after, caught.value.reason, server.count(GET)) == (60, "TOO_MANY_CALLS", 1)


async def test_call_has_a_deadline(server, client):
    server.on(GET, refusal(503, **{"retry-after": "0"}))
    hasty = client.with_options(Options(deadline_seconds=0.3, tries=10**9))
    with pytest.raises((DeadlineExceeded, ServerTrouble)):
        await hasty.templates.get("t1")
    assert server.count(GET) > 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, NotAuthenticated),
        (403, NotAllowed),
        (404, NotFound),
        (409, Conflict),
        (413, InvalidRequest),
        (429, TooManyRequests),
        (500, ServerTrouble),
    ],
)
async def test_error_carries_status_reason_and_violations(server, client, status, kind):
    fields = {"@type": "x/google.rpc.BadRequest", "field_violations": [{"field": "name", "description": "is empty"}]}
    server.on(CREATE, refusal(status, "BECAUSE", fields, **{"x-request-id": "r1"}))
    with pytest.raises(kind) as caught:
        await client.templates.create("")
    error = caught.value
    assert (error.status, error.code, error.reason, error.request_id) == (status, 3, "BECAUSE", "r1")
    assert error.violations == (FieldViolation("name", "is empty"),)
    assert str(error) == "BECAUSE: No. (name is empty)"


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"[1]", b'{"details": [1, {"reason": 2}]}', b""])
async def test_foreign_response_raises_api_error(server, client, body):
    server.on(GET, httpx.Response(404, content=body))
    with pytest.raises(NotFound):
        await client.templates.get("t1")
    server.on(GET, httpx.Response(200, content=body if body.startswith(b"<") else b"[]"))
    with pytest.raises(ServerTrouble):
        await client.templates.get("t1")
