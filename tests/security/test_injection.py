"""Text that would be a part of a statement, a pattern or a line of the log, if it were put together with them."""

import contextlib
import json
import sqlite3
from typing import Any

import pytest
from contract.actors import World
from contract.calls import RPCS, by_grpc, by_rest, message, outcome_of
from contract.test_access import TABLE

from igemoji_mesh.ids import new_id

from .attack_report import Tally
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
    """The tables of every service, and what is in those that nobody here changes."""
    found: dict[str, Any] = {}
    for service in DATABASES:
        path = next(mesh.data.glob(f"{service.replace('-', '?')}.db"))
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            found[service] = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    return found


@pytest.mark.parametrize(("name", "field"), CALLS, ids=[f"{name}-{field}" for name, field in CALLS])
def test_sql_in_text_fields_has_no_effect(name: str, field: str, mesh: LiveMesh, world: World, tally: Tally) -> None:
    rpc = RPCS[name]
    person = world.new_person("guest")
    before = shape(mesh)
    fields = TABLE[name].fields(world)
    repeated = type(getattr(message(rpc), field)).__name__.startswith("Repeated")
    for text in SQL:
        request = message(rpc, **(fields | {field: [text[:20]] if repeated else text}))
        with tally.attempt(text):
            for outcome in (
                by_rest(world.http, rpc, request, person.headers),
                by_grpc(world.channel, rpc, request, person.headers),
            ):
                assert outcome.status < 500
                assert "syntax error" not in str(outcome.body).lower()
                assert "sqlite" not in str(outcome.body).lower()
    assert shape(mesh) == before


def test_sql_does_not_bypass_login(world: World, tally: Tally) -> None:
    for text in SQL:
        for email, password in ((text, "x"), (world.owner.email, text), (f"{world.owner.email}{text}", text)):
            with tally.attempt(f"{text}, {email == text}"):
                answer = outcome_of(world.http.post("/api/v1/users/auth", json={"email": email, "password": password}))
                assert answer.reason in ("WRONG_CREDENTIALS", "TOO_MANY_TRIES")


def test_search_text_is_no_pattern(world: World, tally: Tally) -> None:
    """Not everything, and nothing private: neither by a condition nor by a pattern."""
    private = world.private_emoji
    for text in (*SQL, "%", "_", "%%%", "*", "?", ".*", "[a-z]", "\\", "Contract%", "C_ntract"):
        for query in ({"q": text}, {"tag": text[:20]}):
            with tally.attempt(str(query)):
                page = world.http.get("/api/v1/emojis/pages/1", params=query).json()
                assert private not in [emoji["id"] for emoji in page["emojis"]]
                assert all(
                    set(text.lower().split()) & set(f"{emoji['name']} {emoji['tags']}".lower().split())
                    or text.lower() in emoji["name"].lower()
                    or _found_by_its_letters(text, emoji)
                    for emoji in page["emojis"]
                ), page


def _found_by_its_letters(text: str, emoji: dict[str, Any]) -> bool:
    """A word of a search counts by its letters and digits; without any, all that is public is listed."""
    words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
    told = f"{emoji['name']} {' '.join(emoji['tags'])} {emoji['owner']['alias']}".lower()
    return all(word in told for word in words)


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


def test_user_input_cannot_inject_log_lines(mesh: LiveMesh, world: World, tally: Tally) -> None:
    before = len(mesh.heard.lines)
    for text in LINES:
        tries: dict[str, tuple[str, str, Any]] = {
            "an address": ("POST", "/api/v1/users/auth", {"json": {"email": f"{text}@example.org", "password": "x"}}),
            "a reset": ("POST", "/api/v1/users/password-reset", {"json": {"email": f"{new_id()}{text}@example.org"}}),
            "an alias": ("GET", "/api/v1/users", {"params": {"case": "alias", "value": text}}),
            "a search": ("GET", "/api/v1/emojis/pages/1", {"params": {"q": text[:50]}}),
            "a comment": (
                "POST",
                f"/api/v1/emojis/{world.emoji}/report",
                {"json": {"reason": "other", "comment": text}, "headers": world.owner.headers},
            ),
            "a path": ("GET", f"/{_escaped(text)}", {}),
            "a query": ("GET", "/api/v1/faces/ranking", {"params": {text: text}}),
            "a program's name": ("GET", "/api/v1/faces/ranking", {"headers": {"user-agent": _printable(text)}}),
            "a key": (
                "POST",
                "/api/v1/emojis",
                {"json": {}, "headers": {"idempotency-key": _printable(text)} | world.owner.headers},
            ),
        }
        for what, (method, path, options) in tries.items():
            with tally.attempt(f"{text!r} as {what}"):
                assert world.http.request(method, path, **options).status_code < 500
    marker = new_id()
    world.http.get("/api/v1/users", params={"case": "alias", "value": marker})
    new = mesh.heard.lines[before:]
    assert len(new) > len(LINES)
    with tally.attempt("all lines of the log"):
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
    """What a header may hold."""
    return "".join(letter for letter in text if " " <= letter <= "~")
