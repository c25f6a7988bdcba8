"""Logs and errors of the whole run have no passwords, tokens, cookies or e-mail addresses. Runs last."""

import re

import pytest
from contract.actors import PASSWORD, Actors

from .attack_report import Attacks
from .live import LiveMesh, MeshOutput

JWT = r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{20,}"

PATTERNS = {
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
    return [text[:300] for text in texts if re.search(PATTERNS[kind], text)]


def secrets_of(actors: Actors) -> set[str]:
    """Return the secrets of the callers of this run."""
    created = actors.by_kind.values()
    return {secret for actor in created for secret in (actor.token, actor.refresh_token, actor.email) if secret}


@pytest.mark.parametrize("kind", PATTERNS)
def test_logs_and_errors_match_no_secret_pattern(kind: str, mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    use_everything_once(actors)
    with attacks.attempt(f"{kind} in {len(mesh.output.lines)} lines of the log"):
        assert found(kind, mesh.output.lines) == []
    with attacks.attempt(f"{kind} in {len(mesh.output.errors)} errors"):
        assert found(kind, mesh.output.errors) == []


def test_logs_and_errors_have_no_real_secrets(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    use_everything_once(actors)
    for secret in sorted(secrets_of(actors)):
        with attacks.attempt(f"{secret[:8]}…"):
            assert [text[:300] for text in (*mesh.output.lines, *mesh.output.errors) if secret in text] == []


def test_secret_patterns_match_secrets(actors: Actors, attacks: Attacks) -> None:
    """Check that the patterns above match."""
    use_everything_once(actors)
    output = MeshOutput()
    actor = actors.owner
    for kind, text in {
        "a password": f'{{"password": "{PASSWORD}"}}',
        "a token": actor.token,
        "a refresh token, a reset or a link by its cookie or name": f"cookie: igemoji_refresh={actor.refresh_token}",
        "an address": f"mail to <{actor.email}> failed",
        "a bcrypt hash": "$2b$12$abc",
        "a private key": "-----BEGIN PRIVATE KEY-----",
        "an authorization": f"Authorization: Bearer {actor.token}",
        "a stack trace": "Traceback (most recent call last):",
    }.items():
        output.line("auth", text)
        assert found(kind, output.lines[-1:])


def use_everything_once(actors: Actors) -> None:
    """Send secrets where they belong and where they don't, in case this suite runs alone."""
    actor = actors.owner
    secret = {"email": actor.email, "password": PASSWORD, "alias": "!"}
    actors.http.post("/api/v1/users", json=secret)
    actors.http.post("/api/v1/users/auth", json=secret | {"password": f"{PASSWORD}?"})
    actors.http.post("/api/v1/users/password-reset", json=secret)
    actors.http.post("/api/v1/users/password-reset/confirm", json={"token": actor.refresh_token, "new_password": "x"})
    actors.http.post("/api/v1/users/auth/refresh", json={"refresh_token": f"{actor.refresh_token}x"})
    actors.http.get("/api/v1/users", params={"case": "email", "value": actor.email})
    actors.http.get("/api/v1/users/me", headers={"Authorization": f"Basic {actor.token}"})
    actors.http.get("/api/v1/users/me", headers={"Authorization": f"Bearer {actor.token}x"})
    actors.http.post(
        "/api/v1/users/auth/refresh", json={}, headers={"cookie": f"igemoji_refresh={actor.refresh_token}"}
    )
    actors.http.get("/api/v1/faces/ranking", params={"token": actor.token})
