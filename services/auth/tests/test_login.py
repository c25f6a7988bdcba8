"""Login: access tokens, signing keys, limits on guessing."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import bcrypt
import grpc
import jwt
import pytest
import sqlalchemy as sa
from google.rpc import error_details_pb2, status_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji_auth.domain.errors import TooManyLogins
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.auth.tokens import SigningKey, TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import create_engine
from igemoji_mesh.errors import Unauthenticated
from igemoji_mesh.settings import ServiceSettings
from igemoji_mesh.testing.mesh import error_reason, running

from .client import PASSWORD, Auth, refusal
from .upstreams import token_keys

EMAIL = "minji@example.org"


@pytest.fixture
async def other_service(mesh, auth):
    """Return the verifier of another service, which reads the published keys."""
    settings = mesh.settings(ServiceSettings, "ranking", auth_address=f"127.0.0.1:{auth.server.port}")
    channels = Channels(settings)
    yield TokenVerifier(token_keys(channels), min_refresh_seconds=0)
    await channels.close()


@pytest.fixture
def checks(monkeypatch):
    """Record the bcrypt checks, each with the cost of its hash."""
    made: list[bytes] = []
    check = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        made.append(hashed[:7])
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    return made


def retry_after_seconds(error: grpc.aio.AioRpcError) -> float:
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return float(info.retry_delay.ToTimedelta().total_seconds())


def logins(outcome: str) -> float:
    return REGISTRY.get_sample_value("igemoji_logins_total", {"outcome": outcome}) or 0.0


async def test_access_token_is_accepted_by_other_services(auth, other_service):
    user = await auth.register(email=EMAIL, alias="민지")
    session = await auth.login(EMAIL)
    claims = await other_service.verify(session.access_token)
    assert (claims.user_id, claims.alias, claims.role) == (user.id, "민지", "user")
    payload = jwt.decode(session.access_token, options={"verify_signature": False})
    assert payload["exp"] - payload["iat"] == session.expires_in == 600


async def test_expired_access_token_is_refused(auth, other_service, clock):
    await auth.register(email=EMAIL)
    clock.forward(minutes=-11)
    token = (await auth.login(EMAIL)).access_token
    with pytest.raises(Unauthenticated, match="expired"):
        await other_service.verify(token)
    error = await refusal(auth.me(token))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_REFUSED")


async def test_token_lifetime_is_configurable(mesh, make_settings):
    async with running(compose, make_settings(access_token_seconds=60)) as server:
        auth = Auth(mesh, server)
        await auth.register(email=EMAIL)
        assert (await auth.login(EMAIL)).expires_in == 60


async def test_newest_key_signs_and_older_tokens_stay_valid(auth, second_auth, other_service, database_url, clock):
    await auth.register(email=EMAIL)
    before = (await auth.login(EMAIL)).access_token
    await other_service.verify(before)
    key = SigningKey.generate()
    clock.forward(seconds=1)
    row = {"kid": key.kid, "pem": key.to_pem().decode(), "at": clock().replace(tzinfo=None).isoformat(" ")}
    with create_engine(database_url).begin() as connection:
        connection.execute(sa.text("INSERT INTO signing_keys VALUES (:kid, :pem, :at, :at)"), row)
    for replica in (auth, second_auth):
        after = (await replica.login(EMAIL)).access_token
        assert jwt.get_unverified_header(after)["kid"] == key.kid != jwt.get_unverified_header(before)["kid"]
        for token in (before, after):
            assert (await other_service.verify(token)).alias == (await auth.me(token)).alias


async def test_jwks_is_public_and_cacheable(auth):
    call = auth.stub.Jwks(pb.JwksRequest())
    (key,) = (await call).keys
    assert dict(await call.initial_metadata())["cache-control"] == "public, max-age=300"
    assert (key.kty, key.crv, key.alg, key.use) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert jwt.PyJWK({"kty": key.kty, "crv": key.crv, "x": key.x, "alg": key.alg}).key_id is None


async def test_replicas_that_start_together_share_one_key(mesh, make_settings):
    servers = await asyncio.gather(*(compose(make_settings()) for _ in range(3)))
    for server in servers:
        await server.start()
    try:
        answers = [await Auth(mesh, server).stub.Jwks(pb.JwksRequest()) for server in servers]
    finally:
        for server in servers:
            await server.stop()
    assert {key.kid for answer in answers for key in answer.keys} == {answers[0].keys[0].kid}


async def test_signing_key_survives_restart(mesh, make_settings):
    kids = []
    for _ in range(2):
        async with running(compose, make_settings()) as server:
            (key,) = (await Auth(mesh, server).stub.Jwks(pb.JwksRequest())).keys
            kids.append(key.kid)
    assert kids[0] == kids[1]


async def test_unknown_account_and_wrong_password_are_indistinguishable(auth, checks):
    await auth.register(email=EMAIL)
    answers, work = [], []
    for email, password in [
        (EMAIL, "wrong-password"),
        ("nobody@example.org", "wrong-password"),
        (EMAIL, "x" * 73),
        ("nobody@example.org", "x" * 73),
        ("not even an address \U0001f600", "p"),
    ]:
        checks.clear()
        error = await refusal(auth.login(email, password))
        answers.append((error.code(), error_reason(error), error.details(), tuple(error.trailing_metadata() or ())))
        work.append(list(checks))
    assert len(set(answers)) == 1
    assert answers[0][:2] == (grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS")
    assert work == [[b"$2b$04$"]] * 5


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extra=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
async def test_bytes_after_the_72nd_of_a_password_are_compared(auth, clock, extra):
    """The limit is that of bcrypt, which ignores the rest."""
    clock.forward(minutes=5)
    user = await auth.register(password="p" * 72)
    for wrong in ("p" * 71, "p" * 72 + extra):
        assert error_reason(await refusal(auth.login(user.email, wrong))) == "WRONG_CREDENTIALS"
    assert (await auth.login(user.email, "p" * 72)).user == user


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
async def test_ten_failed_logins_block_an_account_for_five_minutes(auth, second_auth, clock, checks, email):
    await auth.register(email=EMAIL)
    replicas = [auth, second_auth]
    for number in range(10):
        error = await refusal(replicas[number % 2].login(email.upper(), f"wrong-{number}"))
        assert error_reason(error) == "WRONG_CREDENTIALS"
        clock.forward(seconds=10)
    checks.clear()
    for replica in replicas:
        error = await refusal(replica.login(email))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_TRIES")
        assert retry_after_seconds(error) == 200
        assert error.details() == "Too many attempts to log in to this account. Try again in 200 seconds."
    assert checks == []
    clock.forward(seconds=199)
    assert error_reason(await refusal(auth.login(email))) == "TOO_MANY_TRIES"
    clock.forward(seconds=1)
    assert error_reason(await refusal(auth.login(email, "wrong"))) == "WRONG_CREDENTIALS"
    assert error_reason(await refusal(auth.login(email))) == "TOO_MANY_TRIES"


async def test_concurrent_guesses_do_not_exceed_the_limit(auth, second_auth):
    await auth.register(email=EMAIL)
    guesses = [replica.login(EMAIL, f"guess-{n}") for n in range(15) for replica in (auth, second_auth)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    reasons = [error_reason(error) for error in outcomes if isinstance(error, grpc.aio.AioRpcError)]
    assert (reasons.count("WRONG_CREDENTIALS"), reasons.count("TOO_MANY_TRIES")) == (10, 20)


async def test_only_failed_logins_count_and_only_for_their_account(auth):
    await auth.register(email=EMAIL)
    await auth.register(email="other@example.org")
    for _ in range(12):
        await auth.login(EMAIL)
    for number in range(9):
        await refusal(auth.login(EMAIL, f"wrong-{number}"))
    assert await auth.login(EMAIL)
    await refusal(auth.login(EMAIL, "wrong"))
    assert error_reason(await refusal(auth.login(EMAIL))) == "TOO_MANY_TRIES"
    assert await auth.login("other@example.org")


async def test_aborted_login_does_not_count_as_failed(auth, monkeypatch):
    def busy(password: bytes, hashed: bytes) -> bool:
        raise TooManyLogins

    def slow(password: bytes, hashed: bytes) -> bool:
        time.sleep(0.2)
        return False

    await auth.register(email=EMAIL)
    for failure in (busy, slow):
        with monkeypatch.context() as patch:
            patch.setattr(bcrypt, "checkpw", failure)
            for _ in range(6):
                request = pb.LoginRequest(email=EMAIL, password=PASSWORD)
                error = await refusal(auth.stub.Login(request, timeout=0.1))
                assert error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert await auth.login(EMAIL)


async def test_typed_email_is_not_stored_in_clear(auth, database_url):
    await refusal(auth.login("MySecretPassword", "oops"))
    with create_engine(database_url).connect() as connection:
        dump = str(connection.execute(sa.text("SELECT * FROM tries")).all())
    assert "secret" not in dump.lower()


async def test_owner_of_built_in_templates_cannot_log_in(auth, database_url):
    with create_engine(database_url).connect() as connection:
        owner = connection.execute(sa.text("SELECT * FROM users WHERE alias = 'igemoji'")).one()
    assert owner.id == "00000000-0000-7000-8000-000000000001"
    for email in ("igemoji", owner.id, "None"):
        assert error_reason(await refusal(auth.login(email))) == "WRONG_CREDENTIALS"


async def test_logins_are_counted_by_outcome(auth):
    await auth.register(email=EMAIL)
    outcomes = ("ok", "wrong_credentials", "too_many_tries")
    before = [logins(outcome) for outcome in outcomes]
    await auth.login(EMAIL)
    for _ in range(12):
        await refusal(auth.login(EMAIL, "wrong"))
    assert [logins(outcome) - earlier for outcome, earlier in zip(outcomes, before, strict=True)] == [1, 10, 2]


async def test_passwords_are_hashed_in_a_bounded_thread_pool(mesh, make_settings, monkeypatch):
    """The event loop is not blocked, and no more cores are used than configured."""
    workers: set[int] = set()

    def watched(work: Callable[[bytes, bytes], Any]) -> Callable[[bytes, bytes], Any]:
        def call(password: bytes, salt_or_hash: bytes) -> Any:
            workers.add(threading.get_ident())
            return work(password, salt_or_hash)

        return call

    monkeypatch.setattr(bcrypt, "hashpw", watched(bcrypt.hashpw))
    monkeypatch.setattr(bcrypt, "checkpw", watched(bcrypt.checkpw))
    async with running(compose, make_settings(password_threads=2)) as server:
        auth = Auth(mesh, server)
        users = await asyncio.gather(*(auth.register() for _ in range(10)))
        await asyncio.gather(*(auth.login(user.email) for user in users))
    assert 1 <= len(workers) <= 2
    assert threading.get_ident() not in workers
