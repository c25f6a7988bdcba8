"""Changes of accounts: alias, password, registration of guests, deletion."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf.empty_pb2 import Empty

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.testing.mesh import TestMesh, bearer, error_reason, running, violated_fields

from .client import PASSWORD, Auth, Clock, refusal
from .upstreams import serving


class Upstreams(
    emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer,
    inference_pb2_grpc.InferenceServiceServicer,
    ranking_pb2_grpc.RankingServiceServicer,
):
    """Fake of all three upstreams; records the calls."""

    def __init__(self) -> None:
        self.aliases: list[tuple[str, str]] = []
        self.deleted: list[str] = []
        self.inference_down = False

    async def RenameMaker(self, request, context):
        assert request.renamed_at.seconds > 0
        self.aliases.append((request.user_id, request.alias))
        return Empty()

    async def DeleteUserData(self, request, context):
        package = type(request).DESCRIPTOR.full_name.split(".")[1]
        if self.inference_down and package == "inference":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "later")
        self.deleted.append(f"{package} {request.user_id}")
        return Empty()


@pytest.fixture
async def auth(mesh: TestMesh, make_settings: Any, addresses: dict[str, str], clock: Clock) -> AsyncIterator[Auth]:
    settings = make_settings(listen=addresses["auth_address"], **addresses)
    async with running(partial(compose, now=clock), settings) as server:
        yield Auth(mesh, server)


@pytest.fixture
async def upstreams(mesh: TestMesh, addresses: dict[str, str]) -> AsyncIterator[Upstreams]:
    all_three = Upstreams()  # type: ignore[abstract]
    async with serving(mesh, addresses, inference=all_three, emoji_catalog=all_three, ranking=all_three):
        yield all_three


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


async def logged_in(auth: Auth, **fields: str) -> pb.Session:
    user = await auth.register(**fields)
    return await auth.login_with_token(user.email, fields.get("password", PASSWORD))


async def test_new_alias_is_published_to_the_catalog(auth, upstreams):
    session = await logged_in(auth, alias="before")
    assert (await auth.rename(session.access_token, "이후")).alias == "이후"
    assert (await auth.me(session.access_token)).alias == "이후"
    await eventually(lambda: upstreams.aliases == [(session.user.id, "이후")])
    renewed = await auth.refresh(session.refresh_token)
    assert jwt.decode(renewed.access_token, options={"verify_signature": False})["alias"] == "이후"
    assert await auth.available("alias", "before")


async def test_rename_follows_the_rules_of_registration(auth):
    await auth.register(alias="Minji")
    session = await logged_in(auth, alias="somebody")
    error = await refusal(auth.rename(session.access_token, "minJI"))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.ALREADY_EXISTS, "ALIAS_TAKEN")
    for wrong in ("", "x", "y" * 21, "two words"):
        assert violated_fields(await refusal(auth.rename(session.access_token, wrong))) == ["alias"]
    for own in ("SomeBody", "SomeBody"):
        assert (await auth.rename(session.access_token, own)).alias == own


async def test_concurrent_renames_to_one_alias_have_one_winner(auth):
    sessions = [await logged_in(auth) for _ in range(6)]
    outcomes = await asyncio.gather(
        *(auth.rename(session.access_token, "contested") for session in sessions), return_exceptions=True
    )
    lost = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert [error_reason(error) for error in lost] == ["ALIAS_TAKEN"] * 5


async def test_password_change_ends_every_other_session(auth):
    session = await logged_in(auth)
    other = await auth.login_with_token(session.user.email)
    changed = await auth.change_password(session.access_token, PASSWORD, "another-passphrase")
    for old in (session, other):
        assert error_reason(await refusal(auth.refresh(old.refresh_token))) == "REFRESH_TOKEN_REFUSED"
    assert (await auth.refresh(changed.refresh_token)).user == session.user
    assert error_reason(await refusal(auth.login(session.user.email))) == "WRONG_CREDENTIALS"
    assert await auth.login(session.user.email, "another-passphrase")


async def test_password_change_needs_the_current_and_a_good_new_password(auth):
    session = await logged_in(auth)
    for present, new, reason, field in (
        ("wrong-password", "another-passphrase", "PASSWORD_WRONG", "current_password"),
        (PASSWORD, "password1", "PASSWORD_TOO_COMMON", "new_password"),
        (PASSWORD, "short", "INVALID_REQUEST", "new_password"),
        (PASSWORD, session.user.email, "PASSWORD_TOO_COMMON", "new_password"),
    ):
        error = await refusal(auth.change_password(session.access_token, present, new))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
        assert violated_fields(error) == [field]
    assert (await auth.refresh(session.refresh_token)).user == session.user


async def test_guest_account_lasts_one_day(auth, clock):
    call = auth.stub.StartGuest(pb.StartGuestRequest(refresh_token_in_body=True))
    session = await call
    assert dict(await call.initial_metadata())["x-http-code"] == "201"
    assert (session.user.role, session.user.email, session.refresh_expires_in) == ("guest", "", 86400)
    assert jwt.decode(session.access_token, options={"verify_signature": False})["role"] == "guest"
    assert await auth.me(session.access_token) == session.user
    clock.forward(hours=23)
    session = await auth.refresh(session.refresh_token)
    assert session.refresh_expires_in == 3600
    clock.forward(hours=1)
    assert error_reason(await refusal(auth.refresh(session.refresh_token))) == "REFRESH_TOKEN_REFUSED"


async def test_guest_aliases_are_unique(auth):
    guests = [await auth.start_guest() for _ in range(5)]
    assert len({guest.user.alias for guest in guests}) == 5


async def test_registering_guest_keeps_id_and_session(auth, upstreams, clock):
    guest = await auth.start_guest()
    user = await auth.register(guest.access_token, email="minji@example.org", alias="민지")
    assert (user.id, user.role, user.alias, user.email) == (guest.user.id, "user", "민지", "minji@example.org")
    await eventually(lambda: upstreams.aliases == [(user.id, "민지")])
    assert (await auth.login("minji@example.org")).user == user
    session = await auth.refresh(guest.refresh_token)
    assert (session.user, session.refresh_expires_in) == (user, 14 * 86400)
    clock.forward(days=2)
    assert (await auth.refresh(session.refresh_token)).user == user
    assert upstreams.deleted == []


async def test_guest_can_register_once(auth):
    guest = await auth.start_guest()
    outcomes = await asyncio.gather(*(auth.register(guest.access_token) for _ in range(4)), return_exceptions=True)
    lost = [error_reason(outcome) for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert lost == ["GUEST_REGISTERED"] * 3


async def test_registering_guest_follows_the_rules(auth):
    taken = await auth.register()
    guest = await auth.start_guest()
    for fields, reason in (({"email": taken.email}, "EMAIL_TAKEN"), ({"alias": taken.alias}, "ALIAS_TAKEN")):
        assert error_reason(await refusal(auth.register(guest.access_token, **fields))) == reason
    assert (await auth.register(guest.access_token, alias=guest.user.alias)).alias == guest.user.alias


async def test_registration_by_a_user_creates_another_account(auth):
    session = await logged_in(auth)
    assert (await auth.register(session.access_token)).id != session.user.id


async def test_guests_cannot_change_alias_or_password(auth):
    token = (await auth.start_guest()).access_token
    for call in (auth.rename(token, "somebody"), auth.change_password(token, "x", "another-passphrase")):
        error = await refusal(call)
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_FOR_GUESTS")


async def test_deletion_completes_when_every_service_has_deleted_its_data(auth, upstreams):
    upstreams.inference_down = True
    session = await logged_in(auth, email="minji@example.org", alias="민지")
    call = auth.stub.DeleteMe(pb.DeleteMeRequest(), metadata=bearer(session.access_token))
    deletion = await call
    headers = dict(await call.initial_metadata())
    assert (headers["x-http-code"], headers["location"]) == ("202", f"/api/v1/users/deletions/{deletion.id}")
    assert headers["set-cookie"].startswith('igemoji_refresh="";')
    assert (deletion.complete, deletion.remaining) == (False, ["emoji-catalog", "inference", "ranking"])
    for gone, reason in (
        (auth.me(session.access_token), "ACCOUNT_GONE"),
        (auth.delete(session.access_token), "ACCOUNT_GONE"),
        (auth.rename(session.access_token, "somebody"), "ACCOUNT_GONE"),
        (auth.refresh(session.refresh_token), "REFRESH_TOKEN_REFUSED"),
        (auth.login("minji@example.org"), "WRONG_CREDENTIALS"),
    ):
        assert error_reason(await refusal(gone)) == reason
    assert await auth.available("email", "minji@example.org")
    assert await auth.available("alias", "민지")
    await eventually(lambda: len(upstreams.deleted) >= 2)
    assert {line.split()[1] for line in upstreams.deleted} == {session.user.id}
    async with asyncio.timeout(10):
        while (found := await auth.deletion(deletion.id)).remaining != ["inference"]:
            await asyncio.sleep(0.05)
    assert not found.complete
    upstreams.inference_down = False
    async with asyncio.timeout(10):
        while not (await auth.deletion(deletion.id)).complete:
            await asyncio.sleep(0.05)
    assert sorted({line.split()[0] for line in upstreams.deleted}) == ["emoji_catalog", "inference", "ranking"]


async def test_unknown_deletion_is_not_found(auth):
    for guess in ("x", "0" * 43):
        error = await refusal(auth.deletion(guess))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "DELETION_NOT_FOUND")


async def test_expired_guests_are_deleted_with_their_data(quick_sweeps, auth, upstreams, clock):
    guest, kept = await auth.start_guest(), await auth.start_guest()
    await auth.register(kept.access_token)
    clock.forward(days=1)
    await eventually(lambda: len(set(upstreams.deleted)) == 3)
    assert {line.split()[1] for line in upstreams.deleted} == {guest.user.id}
    assert await auth.available("alias", guest.user.alias)
