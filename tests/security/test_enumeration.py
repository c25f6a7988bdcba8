"""User enumeration: responses to logins and resets, and the work for them, do not reveal accounts.

Tests count password hashes instead of measuring time. A last one compares the CPU time of the process, which does not
depend on the load of the machine.
"""

import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import bcrypt
import grpc
import pytest
from contract.actors import Actors
from contract.calls import Outcome, outcome_of

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.auth.v1 import auth_pb2_grpc
from igemoji_auth.entrypoints.settings import Settings
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import TestMesh, running

from .attack_report import Attacks
from .live import LiveMesh

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
TRIES = 8
"""Logins per kind; each takes a quarter of a second of CPU time or more at the cost of bcrypt that the mesh uses."""


def busy_seconds(pid: int) -> float:
    """Return the CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def content(outcome: Outcome) -> tuple[Any, ...]:
    """Return a response without its date and request id."""
    headers = {name: value for name, value in outcome.headers.items() if name not in ("date", "x-request-id")}
    headers.pop("x-envoy-upstream-service-time", None)
    return outcome.status, outcome.body, headers


def test_login_does_not_reveal_accounts(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    known = [actors.new_actor("victim").email for _ in range(TRIES)]
    unknown = [f"{new_id()}@example.org" for _ in known]

    def outcome(email: str) -> Outcome:
        return outcome_of(actors.http.post("/api/v1/users/auth", json={"email": email, "password": "wrong password"}))

    work = {}
    answers = []
    for name, emails in (("known", known), ("unknown", unknown)):
        before = busy_seconds(mesh.pid("auth"))
        answers += [outcome(email) for email in emails]
        work[name] = busy_seconds(mesh.pid("auth")) - before
    for answer in answers:
        with attacks.attempt("response of a login"):
            assert content(answer) == content(answers[0])
    with attacks.attempt("work of a login"):
        assert 0.5 < work["known"] / work["unknown"] < 2, work
        # A password hash is measured, not noise.
        assert min(work.values()) > TRIES * 0.05, work


def test_reset_does_not_reveal_accounts(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    answers = []
    for email in (actors.new_actor("victim").email, f"{new_id()}@example.org", "no address", "a" * 250):
        answers.append(outcome_of(actors.http.post("/api/v1/users/password-reset", json={"email": email})))
        with attacks.attempt("response of a reset"):
            assert content(answers[-1]) == content(answers[0])
    assert answers[0].status == 202


# Count hashes, in a separate service.


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[Any]:
    mesh = TestMesh(tmp_path)
    quick = {"environment": "development", "bcrypt_cost": 4, "data_dir": tmp_path / "data"}
    settings = mesh.settings(Settings, "auth", **quick)
    async with running(partial(compose), settings) as server:
        yield auth_pb2_grpc.AuthServiceStub(mesh.channel(server.port, "auth"))


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the calls of bcrypt."""
    done: list[str] = []

    def noting(name: str, work: Callable[[bytes, bytes], Any]) -> Callable[[bytes, bytes], Any]:
        def noted(password: bytes, other: bytes) -> Any:
            done.append(f"{name} at cost {other.split(b'$')[2].decode()}")
            return work(password, other)

        return noted

    for name in ("checkpw", "hashpw"):
        monkeypatch.setattr(bcrypt, name, noting(name, getattr(bcrypt, name)))
    return done


async def test_login_hashes_once_with_and_without_an_account(auth: Any, hashes: list[str], attacks: Attacks) -> None:
    await auth.Register(pb.RegisterRequest(email="kim@example.org", password="a long enough one", alias="kim"))
    for what, email, password in (
        ("the right address", "kim@example.org", "not hers"),
        ("no account", "lee@example.org", "not hers"),
        ("no address", "lee", "not hers"),
        ("longer than bcrypt reads", "kim@example.org", "x" * 500),
        ("longer, and no account", "lee@example.org", "x" * 500),
    ):
        hashes.clear()
        with attacks.attempt(what):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await auth.Login(pb.LoginRequest(email=email, password=password))
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert hashes == ["checkpw at cost 04"]
    attacks.survive()


async def test_reset_hashes_no_password(auth: Any, hashes: list[str], attacks: Attacks) -> None:
    await auth.Register(pb.RegisterRequest(email="kim@example.org", password="a long enough one", alias="kim"))
    for email in ("kim@example.org", "lee@example.org"):
        hashes.clear()
        with attacks.attempt(email):
            await auth.RequestPasswordReset(pb.RequestPasswordResetRequest(email=email))
            assert hashes == []
    for token in ("x", "a" * 43):
        hashes.clear()
        with attacks.attempt(f"the token {token}"):
            request = pb.ConfirmPasswordResetRequest(token=token, new_password="another passphrase")
            with pytest.raises(grpc.aio.AioRpcError):
                await auth.ConfirmPasswordReset(request)
            assert hashes == []
    attacks.survive()


def test_availability_checks_are_throttled(actors: Actors, attacks: Attacks) -> None:
    """Registration reveals taken addresses (ADR 32); the throttle prevents checking a list of them."""
    statuses = []
    for number in range(65):
        with attacks.attempt(f"address {number}"):
            answer = actors.http.get(
                "/api/v1/users",
                params={"case": "email", "value": f"{number}@example.org"},
                headers={"x-forwarded-for": "203.0.116.1"},
            )
            statuses.append(answer.status_code)
            assert statuses[-1] in (200, 429)
    assert statuses == [200] * 60 + [429] * 5
    statuses = []
    for number in range(24):
        with attacks.attempt(f"registration {number}"):
            account = actors.new_account() | {"email": actors.owner.email}
            answer = actors.http.post("/api/v1/users", json=account, headers={"x-forwarded-for": "203.0.116.2"})
            statuses.append(answer.status_code)
            assert statuses[-1] in (409, 429)
    assert statuses == [409] * 20 + [429] * 4
