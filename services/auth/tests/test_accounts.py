"""Registration: input rules, taken names, races."""

import asyncio
import string

import bcrypt
import grpc
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji_auth.adapters.passwords import COMMON
from igemoji_mesh.db.database import create_engine
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason, violated_fields

from .client import PASSWORD, refusal

many = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one service for all examples is intended
)

LETTERS = st.characters(min_codepoint=ord("가"), max_codepoint=ord("힣")) | st.sampled_from(
    string.ascii_letters + string.digits
)


def accounts(database_url: str) -> list[str]:
    with create_engine(database_url).connect() as connection:
        return list(connection.execute(sa.text("SELECT alias FROM users WHERE alias <> 'igemoji'")).scalars())


async def test_registered_user_can_log_in_and_read_the_account(auth):
    registered = await auth.register(email="Minji.Kim@Example.org", alias="민지99")
    session = await auth.login("minji.kim@example.ORG")
    seen = await auth.me(session.access_token)
    assert session.user == seen == registered
    assert (seen.email, seen.alias) == ("Minji.Kim@Example.org", "민지99")
    assert seen.created_at.seconds > 0


async def test_registration_answers_201(auth):
    request = pb.RegisterRequest(email="a@example.org", password=PASSWORD, alias="somebody")
    call = auth.stub.Register(request)
    assert dict(await call.initial_metadata())["x-http-code"] == "201"


@pytest.mark.parametrize(
    ("email", "alias", "reason", "fields"),
    [
        ("MINJI@EXAMPLE.org", "other", "EMAIL_TAKEN", ["email"]),
        ("other@example.org", "MinJi", "ALIAS_TAKEN", ["alias"]),
        ("Minji@example.org", "MINJI", "EMAIL_TAKEN", ["email", "alias"]),
        ("other@example.org", "IGEMOJI", "ALIAS_TAKEN", ["alias"]),
    ],
)
async def test_taken_email_and_alias_are_named_ignoring_case(auth, email, alias, reason, fields):
    await auth.register(email="minji@example.org", alias="minji")
    error = await refusal(auth.register(email=email, alias=alias))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.ALREADY_EXISTS, reason)
    assert violated_fields(error) == fields


async def test_taken_email_is_refused_before_hashing_the_password(auth, monkeypatch):
    user = await auth.register()
    monkeypatch.setattr(bcrypt, "hashpw", None)
    assert error_reason(await refusal(auth.register(email=user.email))) == "EMAIL_TAKEN"


@pytest.mark.parametrize("field", ["email", "alias"])
async def test_concurrent_registrations_create_one_account_across_replicas(auth, second_auth, database_url, field):
    contested = {"email": "same@example.org", "alias": "Same"}[field]
    spellings = [contested, contested.upper(), contested.lower()] * 4
    replicas = [auth, second_auth] * 6
    outcomes = await asyncio.gather(
        *(replica.register(**{field: spelling}) for replica, spelling in zip(replicas, spellings, strict=True)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert len(refused) == len(outcomes) - 1
    assert {(error_reason(error), *violated_fields(error)) for error in refused} == {(f"{field.upper()}_TAKEN", field)}
    assert len(accounts(database_url)) == 1


@many
@given(alias=st.text(LETTERS, min_size=2, max_size=10), odd=st.sampled_from("_- .!\n@é😀ㄱㅏ"))
async def test_alias_has_2_to_20_letters_or_digits(auth, alias, odd):
    full = alias + new_id().replace("-", "")[len(alias) - 20 :]
    assert (await auth.register(alias=full)).alias == full
    for wrong in (alias[:1], full + "x", full[:19] + odd):
        error = await refusal(auth.register(alias=wrong))
        assert (error.code(), violated_fields(error)) == (grpc.StatusCode.INVALID_ARGUMENT, ["alias"])


async def test_alias_of_two_letters_is_accepted(auth):
    for pair in ("ab", "0Z", "가힣"):
        assert (await auth.register(alias=pair)).alias == pair


@many
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=72))
async def test_password_has_8_characters_to_72_bytes_of_any_kind(auth, text):
    encoded = text.encode()
    password = text if len(encoded) <= 72 else "ß" * 36
    assume(password.casefold() not in COMMON)
    user = await auth.register(password=password)
    assert (await auth.login(user.email, password)).user == user
    filled = password + "~" * (72 - len(password.encode()))
    assert await auth.register(password=filled)
    for wrong in (password[:7], filled + "~"):
        error = await refusal(auth.register(password=wrong))
        assert (error.code(), violated_fields(error)) == (grpc.StatusCode.INVALID_ARGUMENT, ["password"])


async def test_common_password_is_refused(auth):
    own = ["someone@example.org", "SomeOne@Example.org", "somebodyelse"]
    for password in ["password", "PassWord1", "1q2w3e4r5t", "dkssudgktpdy", "비밀번호1234", *own]:
        error = await refusal(auth.register(email="someone@example.org", alias="SomeBodyElse", password=password))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "PASSWORD_TOO_COMMON")
        assert violated_fields(error) == ["password"]


async def test_invalid_email_is_refused_and_not_available(auth):
    for email in ("nobody", "@example.org", "a@b@c", "a b@example.org", "a@example.org\n", "ü@example.org"):
        error = await refusal(auth.register(email=email))
        assert (error.code(), violated_fields(error)) == (grpc.StatusCode.INVALID_ARGUMENT, ["email"])
        assert not await auth.available("email", email)


async def test_availability_reflects_accounts(auth):
    assert await auth.available("email", "New@example.org")
    assert await auth.available("alias", "새이름")
    await auth.register(email="new@example.org", alias="새이름")
    assert not await auth.available("email", "NEW@example.org")
    assert not await auth.available("alias", "새이름")
    assert not await auth.available("alias", "IgeMoji")


async def test_invalid_alias_is_not_available(auth):
    for alias in ("x", "x" * 21, "two words", "emoji😀", "line\n", "가\u1100\u1161"):
        assert not await auth.available("alias", alias)


async def test_availability_accepts_email_and_alias_only(auth):
    error = await refusal(auth.available("name", "somebody"))
    assert (error.code(), violated_fields(error)) == (grpc.StatusCode.INVALID_ARGUMENT, ["case"])


async def test_token_of_a_deleted_account_is_refused(auth, database_url):
    await auth.register(email="gone@example.org")
    session = await auth.login("gone@example.org")
    with create_engine(database_url).begin() as connection:
        connection.execute(sa.text("DELETE FROM users WHERE email_key = 'gone@example.org'"))
    error = await refusal(auth.me(session.access_token))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAUTHENTICATED, "ACCOUNT_GONE")


async def test_account_is_visible_to_its_user_only(auth, mesh):
    for metadata, reason in (((), "TOKEN_MISSING"), (bearer(mesh.token()), "TOKEN_REFUSED")):
        error = await refusal(auth.stub.GetMe(pb.GetMeRequest(), metadata=metadata))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAUTHENTICATED, reason)
