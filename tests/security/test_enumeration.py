"""Whether somebody has an account: told by no answer to a login or a reset, and by the work that it is by neither.

Work is counted, not timed: how often a password is hashed. That the process does as much for the one as for the other
is seen in the time that it kept a processor busy, whatever else the machine does.
"""

import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import bcrypt
import grpc
import pytest
from contract.actors import World
from contract.calls import Outcome, outcome_of

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.auth.v1 import auth_pb2_grpc
from igemoji_auth.entrypoints.settings import Settings
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import TestMesh, running

from .attack_report import Tally
from .live import LiveMesh

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
TRIES = 8
"""Each of a quarter of a second or more of work, with the cost that the mesh has."""


def busy_seconds(pid: int) -> float:
    """How long a process has kept a processor busy."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def said(outcome: Outcome) -> tuple[Any, ...]:
    """All that an answer says but for its date and its id."""
    headers = {name: value for name, value in outcome.headers.items() if name not in ("date", "x-request-id")}
    headers.pop("x-envoy-upstream-service-time", None)
    return outcome.status, outcome.body, headers


def test_login_does_not_reveal_accounts(mesh: LiveMesh, world: World, tally: Tally) -> None:
    known = [world.new_person("victim").email for _ in range(TRIES)]
    unknown = [f"{new_id()}@example.org" for _ in known]

    def outcome(email: str) -> Outcome:
        return outcome_of(world.http.post("/api/v1/users/auth", json={"email": email, "password": "not theirs"}))

    work = {}
    answers = []
    for name, emails in (("known", known), ("unknown", unknown)):
        before = busy_seconds(mesh.pid("auth"))
        answers += [outcome(email) for email in emails]
        work[name] = busy_seconds(mesh.pid("auth")) - before
    for answer in answers:
        with tally.attempt("what a login says"):
            assert said(answer) == said(answers[0])
    with tally.attempt("what a login does"):
        assert 0.5 < work["known"] / work["unknown"] < 2, work
        # That it is a password's hash that is counted, and not noise.
        assert min(work.values()) > TRIES * 0.05, work


def test_reset_does_not_reveal_accounts(mesh: LiveMesh, world: World, tally: Tally) -> None:
    answers = []
    for email in (world.new_person("victim").email, f"{new_id()}@example.org", "no address", "a" * 250):
        answers.append(outcome_of(world.http.post("/api/v1/users/password-reset", json={"email": email})))
        with tally.attempt("what a reset says"):
            assert said(answers[-1]) == said(answers[0])
    assert answers[0].status == 202


# The same by counting, in a service of one's own.


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[Any]:
    mesh = TestMesh(tmp_path)
    quick = {"environment": "development", "bcrypt_cost": 4, "data_dir": tmp_path / "data"}
    settings = mesh.settings(Settings, "auth", **quick)
    async with running(partial(compose), settings) as server:
        yield auth_pb2_grpc.AuthServiceStub(mesh.channel(server.port, "auth"))


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bcrypt was asked to do."""
    done: list[str] = []

    def noting(name: str, work: Callable[[bytes, bytes], Any]) -> Callable[[bytes, bytes], Any]:
        def noted(password: bytes, other: bytes) -> Any:
            done.append(f"{name} at cost {other.split(b'$')[2].decode()}")
            return work(password, other)

        return noted

    for name in ("checkpw", "hashpw"):
        monkeypatch.setattr(bcrypt, name, noting(name, getattr(bcrypt, name)))
    return done


async def test_login_hashes_once_with_and_without_an_account(auth: Any, hashes: list[str], tally: Tally) -> None:
    await auth.Register(pb.RegisterRequest(email="kim@example.org", password="a long enough one", alias="kim"))
    for what, email, password in (
        ("the right address", "kim@example.org", "not hers"),
        ("no account", "lee@example.org", "not hers"),
        ("no address", "lee", "not hers"),
        ("longer than bcrypt reads", "kim@example.org", "x" * 500),
        ("longer, and no account", "lee@example.org", "x" * 500),
    ):
        hashes.clear()
        with tally.attempt(what):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await auth.Login(pb.LoginRequest(email=email, password=password))
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert hashes == ["checkpw at cost 04"]
    tally.survive()


async def test_reset_hashes_no_password(auth: Any, hashes: list[str], tally: Tally) -> None:
    await auth.Register(pb.RegisterRequest(email="kim@example.org", password="a long enough one", alias="kim"))
    for email in ("kim@example.org", "lee@example.org"):
        hashes.clear()
        with tally.attempt(email):
            await auth.RequestPasswordReset(pb.RequestPasswordResetRequest(email=email))
            assert hashes == []
    for token in ("x", "a" * 43):
        hashes.clear()
        with tally.attempt(f"the token {token}"):
            request = pb.ConfirmPasswordResetRequest(token=token, new_password="another passphrase")
            with pytest.raises(grpc.aio.AioRpcError):
                await auth.ConfirmPasswordReset(request)
            assert hashes == []
    tally.survive()


def test_availability_checks_are_throttled(world: World, tally: Tally) -> None:
    """Who registers has to be told (ADR 32); a list of addresses is not gone through."""
    statuses = []
    for number in range(65):
        with tally.attempt(f"address {number}"):
            answer = world.http.get(
                "/api/v1/users",
                params={"case": "email", "value": f"{number}@example.org"},
                headers={"x-forwarded-for": "203.0.116.1"},
            )
            statuses.append(answer.status_code)
            assert statuses[-1] in (200, 429)
    assert statuses == [200] * 60 + [429] * 5
    statuses = []
    for number in range(24):
        with tally.attempt(f"registration {number}"):
            account = world.new_account() | {"email": world.owner.email}
            answer = world.http.post("/api/v1/users", json=account, headers={"x-forwarded-for": "203.0.116.2"})
            statuses.append(answer.status_code)
            assert statuses[-1] in (409, 429)
    assert statuses == [409] * 20 + [429] * 4
