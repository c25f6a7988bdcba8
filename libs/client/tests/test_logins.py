"""Sessions: login, renewal and logout."""

import asyncio
import json

import httpx
import pytest

from igemoji_client import AsyncClient, NotAuthenticated, Session

from .conftest import QUICK, USER, ok, refusal, session

ME = "GET /api/v1/users/me"
REFRESH = "POST /api/v1/users/auth/refresh"


def only_for(token: str) -> object:
    """Respond only to calls with this token."""

    def answer(request: httpx.Request) -> httpx.Response:
        given = request.headers.get("authorization")
        return ok(USER) if given == f"Bearer {token}" else refusal(401, "TOKEN_EXPIRED")

    return answer


async def test_login_requests_the_refresh_token_in_the_body(server, anna):
    server.on(ME, only_for("access1"))
    assert (await anna.accounts.me()).alias == "anna"
    (asked,) = server.calls("POST /api/v1/users/auth")
    assert json.loads(asked.content)["refresh_token_in_body"] is True


async def test_concurrent_calls_renew_an_expired_token_once(server, anna):
    server.on(ME, only_for("access2"))
    server.on(REFRESH, ok(session(2)))
    users = await asyncio.gather(*(anna.accounts.me() for _ in range(20)))
    assert len(users) == 20
    (refresh,) = server.calls(REFRESH)
    assert json.loads(refresh.content) == {"refresh_token": "refresh1"}
    assert "authorization" not in refresh.headers


async def test_token_is_renewed_before_it_expires(server, client):
    server.on("POST /api/v1/users/guest", ok(session(1, expires_in=5), 201))
    await client.accounts.start_guest()
    server.on(REFRESH, ok(session(2)))
    server.on(ME, only_for("access2"))
    await client.accounts.me()
    assert server.count(ME) == 1


async def test_lost_refresh_is_retried(server, anna):
    server.on(ME, only_for("access2"))
    server.on(REFRESH, httpx.ReadError("lost"), ok(session(2)))
    await anna.accounts.me()
    assert server.count(REFRESH) == 2


async def test_rejected_refresh_token_ends_the_session(server, anna):
    server.on(ME, only_for("nobody"))
    server.on(REFRESH, refusal(401, "REFRESH_TOKEN_REUSED"))
    with pytest.raises(NotAuthenticated) as caught:
        await anna.accounts.me()
    assert caught.value.reason == "TOKEN_EXPIRED"
    assert anna.session is None
    with pytest.raises(NotAuthenticated):
        await anna.accounts.me()
    assert server.count(REFRESH) == 1


async def test_session_can_be_reused_by_another_client(server):
    kept: list[Session | None] = []
    server.on(REFRESH, ok(session(2)))
    server.on(ME, only_for("access2"))
    before = Session.model_validate(session(1))
    transport = httpx.MockTransport(server)
    async with AsyncClient(
        "http://server", session=before, on_session=kept.append, options=QUICK, http_transport=transport
    ) as client:
        await client.accounts.me()
        server.on("POST /api/v1/users/auth/logout", ok({}))
        await client.accounts.log_out()
        assert client.session is None
    assert kept == [Session.model_validate(session(2)), None]
    assert json.loads(server.calls("POST /api/v1/users/auth/logout")[0].content) == {"refresh_token": "refresh2"}
