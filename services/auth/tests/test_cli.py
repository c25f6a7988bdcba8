"""Operator commands while the service runs."""

import asyncio
import re
from pathlib import Path
from typing import Any

import jwt
import pytest

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji_auth.adapters.db.signing_keys import SqlSigningKeys
from igemoji_auth.entrypoints.cli import operate
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.testing.mesh import running

from .client import Auth


@pytest.fixture
def command(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Return a function that runs a command on the database of the test and returns its output."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PUBLIC_URL", "https://emoji.example")

    async def run(*arguments: str) -> str:
        capsys.readouterr()
        await asyncio.to_thread(operate, arguments)
        return capsys.readouterr().out.splitlines()[-1]

    return run


def kid(session: pb.Session) -> str:
    return str(jwt.get_unverified_header(session.access_token)["kid"])


async def published(auth: Auth) -> list[str]:
    return [key.kid for key in (await auth.stub.Jwks(pb.JwksRequest())).keys]


async def test_rotated_key_is_published_before_it_signs(quick_sweeps, auth, command, clock):
    user = await auth.register()
    (old,) = await published(auth)
    clock.time = utc_now()  # the clock of the command
    assert "signs from" in await command("rotate-keys")
    new, still = await published(auth)
    assert still == old != new
    clock.forward(minutes=9, seconds=50)
    assert kid(await auth.login(user.email)) == old
    clock.forward(seconds=15)
    session = await auth.login(user.email)
    assert kid(session) == new
    clock.forward(minutes=10)
    await asyncio.sleep(0.2)
    assert await published(auth) == [new, old], "tokens of the old key may still be valid"
    clock.forward(minutes=1)
    async with asyncio.timeout(5):
        while await published(auth) != [new]:
            await asyncio.sleep(0.02)


async def test_rotation_in_progress_is_refused(auth, command):
    await command("rotate-keys")
    with pytest.raises(SystemExit, match=r"two keys already\. The older one is removed at"):
        await command("rotate-keys")
    assert len(await published(auth)) == 2


async def test_rotations_can_be_repeated(database_url, auth, clock):
    database = Database(database_url)
    keys = SqlSigningKeys(database, 600)
    for _ in range(3):
        await keys.rotate(clock())
        clock.forward(minutes=21)
    await keys.remove_expired(clock())
    assert len(await published(auth)) == 1
    await database.close()


async def test_operator_role_is_granted_and_revoked(auth, command):
    user = await auth.register(email="Minji@example.org")
    assert "role operator" in await command("make-operator", "minji@example.org")
    session = await auth.login_with_token(user.email)
    assert session.user.role == "operator"
    assert jwt.decode(session.access_token, options={"verify_signature": False})["role"] == "operator"
    await command("revoke-operator", "minji@example.org")
    assert (await auth.refresh(session.refresh_token)).user.role == "user"


async def test_command_prints_a_reset_link(mesh, make_settings, command):
    async with running(compose, make_settings()) as server:
        auth = Auth(mesh, server)
        user = await auth.register()
        link = await command("reset-password", user.email)
        found = re.fullmatch(r"https://emoji\.example/reset-password#token=(\S+)", link)
        assert found
        request = pb.ConfirmPasswordResetRequest(token=found[1], new_password="another-passphrase")
        await auth.stub.ConfirmPasswordReset(request)
        assert (await auth.login(user.email, "another-passphrase")).user == user


@pytest.mark.parametrize("name", ["make-operator", "revoke-operator", "reset-password"])
async def test_unknown_account_is_reported(command, name):
    with pytest.raises(SystemExit, match=r"no account with the address nobody@example\.org"):
        await command(name, "nobody@example.org")


async def test_keys_can_be_rotated_before_the_first_start(command):
    assert str(utc_now().year) in await command("rotate-keys")
