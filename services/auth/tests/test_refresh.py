"""Refresh tokens: rotation, reuse, logout, cookie."""

import asyncio
from http.cookies import Morsel, SimpleCookie
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji_mesh.db.database import create_engine
from igemoji_mesh.testing.mesh import error_reason

from .client import PASSWORD, Auth, refusal

EMAIL = "minji@example.org"
FROM_A_PAGE = ("x-requested-with", "fetch")


@pytest.fixture
async def session(auth: Auth) -> pb.Session:
    await auth.register(email=EMAIL)
    return await auth.login_with_token(EMAIL)


async def cookie_of(call: Any) -> Morsel[str]:
    header = dict(await call.initial_metadata())["set-cookie"]
    return SimpleCookie(header)["igemoji_refresh"]


def cookie_header(value: str) -> tuple[str, str]:
    return ("cookie", f"theme=dark; igemoji_refresh={value}; x=1")


async def refused(call: Any) -> bool:
    error = await refusal(call)
    return (error.code(), error_reason(error)) == (grpc.StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_REFUSED")


async def test_session_lasts_while_it_is_refreshed_every_14_days(auth, session, clock):
    for _ in range(3):
        assert session.refresh_expires_in == 14 * 24 * 3600
        clock.forward(days=14, seconds=-1)
        following = await auth.refresh(session.refresh_token)
        assert following.user == session.user
        assert following.refresh_token != session.refresh_token
        session = following
    clock.forward(days=14)
    assert await refused(auth.refresh(session.refresh_token))


async def test_refresh_can_be_retried_for_ten_seconds(auth, second_auth, session, clock):
    replicas = [auth, second_auth] * 3
    answers = await asyncio.gather(*(replica.refresh(session.refresh_token) for replica in replicas))
    clock.forward(seconds=10)
    answers.append(await auth.refresh(session.refresh_token))
    (following,) = {answer.refresh_token for answer in answers}
    assert (await auth.refresh(following)).user == session.user


async def test_reused_refresh_token_revokes_its_family_only(auth, session, clock):
    other = await auth.login_with_token(EMAIL)
    following = await auth.refresh(session.refresh_token)
    clock.forward(seconds=10.001)
    assert await refused(auth.refresh(session.refresh_token))
    assert await refused(auth.refresh(following.refresh_token))
    assert (await auth.refresh(other.refresh_token)).user == session.user


async def test_logout_ends_one_session_and_is_idempotent(auth, session):
    other = await auth.login_with_token(EMAIL)
    following = await auth.refresh(session.refresh_token)
    for _ in range(2):
        await auth.logout(following.refresh_token)
    for token in (session.refresh_token, following.refresh_token):
        assert await refused(auth.refresh(token))
    assert await auth.me((await auth.refresh(other.refresh_token)).access_token) == session.user


async def test_forged_refresh_token_is_refused(auth, session):
    for token in ("x", session.refresh_token[:-1], session.refresh_token + "=", session.access_token[:128]):
        assert await refused(auth.refresh(token))
    await auth.logout("made-up")
    assert await auth.refresh(session.refresh_token)


async def test_cookie_is_http_only_and_limited_to_auth_routes(auth, session):
    login = pb.LoginRequest(email=EMAIL, password=PASSWORD)
    for scheme, secure in (("https", True), ("http", "")):
        call = auth.stub.Login(login, metadata=[("x-forwarded-proto", scheme)])
        assert (await call).refresh_token == ""
        cookie = await cookie_of(call)
        assert len(cookie.value) >= 43
        assert (cookie["path"], cookie["samesite"], cookie["max-age"]) == ("/api/v1/users/auth", "Strict", "1209600")
        assert (cookie["httponly"], cookie["secure"], cookie["domain"]) == (True, secure, "")


async def test_refresh_by_cookie_answers_by_cookie(auth, session):
    metadata = [cookie_header(session.refresh_token), FROM_A_PAGE]
    call = auth.stub.Refresh(pb.RefreshRequest(), metadata=metadata)
    answer = await call
    assert (answer.refresh_token, answer.user) == ("", session.user)
    following = (await cookie_of(call)).value
    call = auth.stub.Logout(pb.LogoutRequest(), metadata=[cookie_header(following), FROM_A_PAGE])
    await call
    removed = await cookie_of(call)
    assert (removed.value, removed["max-age"], removed["path"]) == ("", "0", "/api/v1/users/auth")
    assert await refused(auth.refresh(following))


async def test_refresh_in_body_sets_no_cookie(auth, session):
    call = auth.stub.Refresh(pb.RefreshRequest(refresh_token=session.refresh_token))
    assert (await call).refresh_token
    assert "set-cookie" not in dict(await call.initial_metadata())


async def test_cookie_without_custom_header_is_refused(auth, session):
    """A form on another host of the same site could send the cookie, but not the header."""
    for rpc, request in ((auth.stub.Refresh, pb.RefreshRequest()), (auth.stub.Logout, pb.LogoutRequest())):
        error = await refusal(rpc(request, metadata=[cookie_header(session.refresh_token)]))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.PERMISSION_DENIED, "REQUESTED_WITH_MISSING")
    assert await auth.refresh(session.refresh_token)


@pytest.mark.parametrize("header", ["", "igemoji_refresh=", "other=1", 'a={"b": 1}; =; igemoji_refresh'])
async def test_refresh_without_token_is_refused(auth, header):
    error = await refusal(auth.stub.Refresh(pb.RefreshRequest(), metadata=[("cookie", header), FROM_A_PAGE]))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_MISSING")


async def test_malformed_cookies_of_others_are_skipped(auth, session):
    header = f'odd={{"a": [1, 2]}}; @=1; igemoji_refresh={session.refresh_token}'
    assert await auth.stub.Refresh(pb.RefreshRequest(), metadata=[("cookie", header), FROM_A_PAGE])


async def test_database_contains_no_usable_refresh_token(auth, session, database_url):
    following = await auth.refresh(session.refresh_token)
    with create_engine(database_url).connect() as connection:
        stored = str(connection.execute(sa.text("SELECT * FROM refresh_tokens")).all())
    for token in (session.refresh_token, following.refresh_token):
        assert token not in stored


async def test_expired_refresh_tokens_are_deleted(quick_sweeps, auth, session, database_url, clock):
    def count() -> int:
        with create_engine(database_url).connect() as connection:
            return len(connection.execute(sa.text("SELECT * FROM refresh_tokens")).all())

    assert count() == 1
    clock.forward(days=14)
    async with asyncio.timeout(5):
        while count():
            await asyncio.sleep(0.05)
