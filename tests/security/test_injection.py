"""Injection into SQL statements, search patterns and log lines."""

import contextlib
import json
import sqlite3
from typing import Any

import pytest
from contract.actors import Actors
from contract.calls import RPCS, by_grpc, by_rest, message, outcome_of
from contract.test_access import TABLE

from igemoji_mesh.ids import new_id

from .attack_report import Attacks
from .live import LiveMesh, log_entries
from .test_server_side_requests import CALLS

SQL = (
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE users; --",
    "x'; DROP TABLE emojis; --",
    "' UNION SELECT 1,2,3 --",
    "1; ATTACH DATABASE 'x' AS x",
    "') OR ('1'='1",
    "admin'--",
    "\\'; --",
    "%' OR name LIKE '%",
    "${jndi:ldap://127.0.0.1:1/a}",
    "{{7*7}}",
    "$(id)",
    "`id`",
    "; id",
    "| id",
    "*)(uid=*",
    "0x27",
    "\u02bc OR 1=1",
    "%27%20OR%201=1",
)

DATABASES = ("auth", "emoji-catalog", "inference", "ranking")


def shape(mesh: LiveMesh) -> dict[str, Any]:
    """Return the schema of every service's database."""
    found: dict[str, Any] = {}
    for service in DATABASES:
        path = next(mesh.data.glob(f"{service.replace('-', '?')}.db"))
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            found[service] = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    return found


@pytest.mark.parametrize(("name", "field"), CALLS, ids=[f"{name}-{field}" for name, field in CALLS])
def test_sql_in_text_fields_has_no_effect(
    name: str, field: str, mesh: LiveMesh, actors: Actors, attacks: Attacks
) -> None:
    rpc = RPCS[name]
    actor = actors.new_actor("guest")
    before = shape(mesh)
    fields = TABLE[name].fields(actors)
    repeated = type(getattr(message(rpc), field)).__name__.startswith("Repeated")
    for text in SQL:
        request = message(rpc, **(fields | {field: [text[:20]] if repeated else text}))
        with attacks.attempt(text):
            for outcome in (
                by_rest(actors.http, rpc, request, actor.headers),
                by_grpc(actors.channel, rpc, request, actor.headers),
            ):
                assert outcome.status < 500
                assert "syntax error" not in str(outcome.body).lower()
                assert "sqlite" not in str(outcome.body).lower()
    assert shape(mesh) == before


def test_sql_does_not_bypass_login(actors: Actors, attacks: Attacks) -> None:
    for text in SQL:
        for email, password in ((text, "x"), (actors.owner.email, text), (f"{actors.owner.email}{text}", text)):
            with attacks.attempt(f"{text}, {email == text}"):
                answer = outcome_of(actors.http.post("/api/v1/users/auth", json={"email": email, "password": password}))
                assert answer.reason in ("WRONG_CREDENTIALS", "TOO_MANY_TRIES")


def test_search_text_is_no_pattern(actors: Actors, attacks: Attacks) -> None:
    """SQL or wildcards in a search list neither everything nor private templates."""
    private = actors.private_emoji
    for text in (*SQL, "%", "_", "%%%", "*", "?", ".*", "[a-z]", "\\", "Contract%", "C_ntract"):
        for query in ({"q": text}, {"tag": text[:20]}):
            with attacks.attempt(str(query)):
                page = actors.http.get("/api/v1/emojis/pages/1", params=query).json()
                assert private not in [emoji["id"] for emoji in page["emojis"]]
                assert all(
                    set(text.lower().split()) & set(f"{emoji['name']} {emoji['tags']}".lower().split())
                    or text.lower() in emoji["name"].lower()
                    or _found_by_its_letters(text, emoji)
                    for emoji in page["emojis"]
                ), page


def _found_by_its_letters(text: str, emoji: dict[str, Any]) -> bool:
    """Return whether the words of a search match by their letters and digits; without any, all is listed."""
    words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
    listed = f"{emoji['name']} {' '.join(emoji['tags'])} {emoji['owner']['alias']}".lower()
    return all(word in listed for word in words)


LINES = (
    '\n{"event":"forged","level":"error","service":"auth"}\n',
    '\r\n{"event":"forged"}\r\n',
    '","event":"forged","x":"',
    '\u2028{"event":"forged"}',
    "\x1b[2J\x1b[31mforged",
    "%0a{%22event%22:%22forged%22}",
    '\\n{"event":"forged"}',
    "%(event)s %s {0} {event}",
)


def test_user_input_cannot_inject_log_lines(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    before = len(mesh.output.lines)
    for text in LINES:
        tries: dict[str, tuple[str, str, Any]] = {
            "an address": ("POST", "/api/v1/users/auth", {"json": {"email": f"{text}@example.org", "password": "x"}}),
            "a reset": ("POST", "/api/v1/users/password-reset", {"json": {"email": f"{new_id()}{text}@example.org"}}),
            "an alias": ("GET", "/api/v1/users", {"params": {"case": "alias", "value": text}}),
            "a search": ("GET", "/api/v1/emojis/pages/1", {"params": {"q": text[:50]}}),
            "a comment": (
                "POST",
                f"/api/v1/emojis/{actors.emoji}/report",
                {"json": {"reason": "other", "comment": text}, "headers": actors.owner.headers},
            ),
            "a path": ("GET", f"/{_escaped(text)}", {}),
            "a query": ("GET", "/api/v1/faces/ranking", {"params": {text: text}}),
            "a user agent": ("GET", "/api/v1/faces/ranking", {"headers": {"user-agent": _printable(text)}}),
            "a key": (
                "POST",
                "/api/v1/emojis",
                {"json": {}, "headers": {"idempotency-key": _printable(text)} | actors.owner.headers},
            ),
        }
        for what, (method, path, options) in tries.items():
            with attacks.attempt(f"{text!r} as {what}"):
                assert actors.http.request(method, path, **options).status_code < 500
    marker = new_id()
    actors.http.get("/api/v1/users", params={"case": "alias", "value": marker})
    new = mesh.output.lines[before:]
    assert len(new) > len(LINES)
    with attacks.attempt("all log lines"):
        assert [line for line in new if not _is_json(line.partition(" ")[2])] == []
        assert [entry for entry in log_entries(new) if entry.get("event") == "forged"] == []
        assert [line for line in new if "\x1b" in line] == []


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _printable(text: str) -> str:
    """Return the characters that a header may hold."""
    return "".join(letter for letter in text if " " <= letter <= "~")
