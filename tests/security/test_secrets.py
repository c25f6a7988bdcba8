"""What the whole run left in logs and errors: no password, no token, no cookie, no address. It runs last."""

import re

import pytest
from contract.actors import PASSWORD, World

from .attack_report import Tally
from .live import Heard, LiveMesh

JWT = r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{20,}"

TELLTALE = {
    "a password": re.escape(PASSWORD),
    "a token": JWT,
    "a refresh token, a reset or a link by its cookie or name": r"igemoji_refresh=[^;\s\"]|refresh_token\W+[\w-]{30,}",
    "an address": r"[\w.+-]+@example\.org",
    "a bcrypt hash": r"\$2[aby]\$\d\d\$",
    "a private key": r"PRIVATE KEY",
    "an authorization": r"(?i)bearer\s+[\w-]{20,}",
    "a stack trace": r"Traceback \(most recent call last\)|File \\?\"/",
}


def found(kind: str, texts: list[str]) -> list[str]:
    return [text[:300] for text in texts if re.search(TELLTALE[kind], text)]


def secrets_of(world: World) -> set[str]:
    """What the people of this run really had."""
    people = world.people.values()
    return {secret for person in people for secret in (person.token, person.refresh_token, person.email) if secret}


@pytest.mark.parametrize("kind", TELLTALE)
def test_logs_and_errors_match_no_secret_pattern(kind: str, mesh: LiveMesh, world: World, tally: Tally) -> None:
    use_everything_once(world)
    with tally.attempt(f"{kind} in {len(mesh.heard.lines)} lines of the log"):
        assert found(kind, mesh.heard.lines) == []
    with tally.attempt(f"{kind} in {len(mesh.heard.errors)} errors"):
        assert found(kind, mesh.heard.errors) == []


def test_logs_and_errors_have_no_real_secrets(mesh: LiveMesh, world: World, tally: Tally) -> None:
    use_everything_once(world)
    for secret in sorted(secrets_of(world)):
        with tally.attempt(f"{secret[:8]}…"):
            assert [text[:300] for text in (*mesh.heard.lines, *mesh.heard.errors) if secret in text] == []


def test_secret_patterns_match_secrets(world: World, tally: Tally) -> None:
    """Or the tests above would pass for any reason."""
    use_everything_once(world)
    heard = Heard()
    person = world.owner
    for kind, text in {
        "a password": f'{{"password": "{PASSWORD}"}}',
        "a token": person.token,
        "a refresh token, a reset or a link by its cookie or name": f"cookie: igemoji_refresh={person.refresh_token}",
        "an address": f"mail to <{person.email}> failed",
        "a bcrypt hash": "$2b$12$abc",
        "a private key": "-----BEGIN PRIVATE KEY-----",
        "an authorization": f"Authorization: Bearer {person.token}",
        "a stack trace": "Traceback (most recent call last):",
    }.items():
        heard.line("auth", text)
        assert found(kind, heard.lines[-1:])


def use_everything_once(world: World) -> None:
    """Where this suite runs alone: secrets in every place where they are, and in some where they should not be."""
    person = world.owner
    secret = {"email": person.email, "password": PASSWORD, "alias": "!"}
    world.http.post("/api/v1/users", json=secret)
    world.http.post("/api/v1/users/auth", json=secret | {"password": f"{PASSWORD}?"})
    world.http.post("/api/v1/users/password-reset", json=secret)
    world.http.post("/api/v1/users/password-reset/confirm", json={"token": person.refresh_token, "new_password": "x"})
    world.http.post("/api/v1/users/auth/refresh", json={"refresh_token": f"{person.refresh_token}x"})
    world.http.get("/api/v1/users", params={"case": "email", "value": person.email})
    world.http.get("/api/v1/users/me", headers={"Authorization": f"Basic {person.token}"})
    world.http.get("/api/v1/users/me", headers={"Authorization": f"Bearer {person.token}x"})
    world.http.post(
        "/api/v1/users/auth/refresh", json={}, headers={"cookie": f"igemoji_refresh={person.refresh_token}"}
    )
    world.http.get("/api/v1/faces/ranking", params={"token": person.token})
