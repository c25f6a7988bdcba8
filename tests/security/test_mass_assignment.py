"""Mass assignment: unknown fields, and fields that callers may not set."""

from typing import Any

import pytest
from contract.actors import PASSWORD, Actors
from contract.calls import RPCS, by_grpc, message, outcome_of
from google.protobuf.message import Message

from igemoji_mesh.ids import new_id

from .attack_report import Attacks

PRIVILEGED: dict[str, Any] = {
    "role": "operator",
    "roles": ["operator"],
    "is_admin": True,
    "isOperator": True,
    "level": "LEVEL_OPERATOR",
    "password_hash": "$2b$04$" + "a" * 53,
    "created_at": "2001-01-01T00:00:00Z",
    "expires_at": "2999-01-01T00:00:00Z",
    "__proto__": {"role": "operator"},
    "constructor": {"prototype": {"role": "operator"}},
}


@pytest.mark.parametrize("field", PRIVILEGED)
def test_registration_ignores_privileged_fields(field: str, actors: Actors, attacks: Attacks) -> None:
    account, theirs = actors.new_account(), actors.owner.id
    with attacks.attempt(f"{field} at registration"):
        body = account | {field: PRIVILEGED[field], "id": theirs, "user_id": theirs}
        made = actors.http.post("/api/v1/users", json=body)
        assert made.status_code in (201, 400)
        if made.status_code == 201:
            assert (made.json()["role"], made.json()["id"] == theirs) == ("user", False)
            assert not made.json()["created_at"].startswith("2001")
    if made.status_code != 201:
        return
    with attacks.attempt(f"{field} at login"):
        login = {"email": account["email"], "password": PASSWORD, "refresh_token_in_body": True}
        session = actors.http.post("/api/v1/users/auth", json=login | {field: PRIVILEGED[field]}).json()
        assert session["user"]["role"] == "user"
    with attacks.attempt(f"{field} afterwards"):
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        body = {"alias": actors.new_account()["alias"], field: PRIVILEGED[field], "id": theirs}
        changed = actors.http.patch("/api/v1/users/me", json=body, headers=headers)
        me = actors.http.get("/api/v1/users/me", headers=headers).json()
        assert changed.status_code in (200, 400)
        assert (me["role"], me["id"], me["email"]) == ("user", session["user"]["id"], account["email"])
    with attacks.attempt(f"{field} at a refresh"):
        body = {"refresh_token": session["refresh_token"], field: PRIVILEGED[field]}
        assert actors.http.post("/api/v1/users/auth/refresh", json=body).json()["user"]["role"] == "user"


TEMPLATE: dict[str, Any] = {
    "id": "00000000-0000-7000-8000-00000000abcd",
    "owner": {"id": "00000000-0000-7000-8000-000000000001", "alias": "IGE MOJI"},
    "owner_id": "00000000-0000-7000-8000-000000000001",
    "ownerId": "00000000-0000-7000-8000-000000000001",
    "user_id": "00000000-0000-7000-8000-000000000001",
    "built_in": True,
    "uses": 1_000_000,
    "favorites": 1_000_000,
    "created_at": "2001-01-01T00:00:00Z",
    "hidden": False,
}


@pytest.mark.parametrize("field", TEMPLATE)
def test_template_ignores_privileged_fields(field: str, actors: Actors, attacks: Attacks) -> None:
    another = actors.actor("another")
    draft = {"name": "Mass", "base_id": actors.built_in_id, "visibility": "private"}
    with attacks.attempt(f"{field} in a new one"):
        made = actors.http.post("/api/v1/emojis", json=draft | {field: TEMPLATE[field]}, headers=another.headers)
        assert made.status_code in (201, 400)
    emoji_id = actors.new_emoji("private", by=another)
    path = f"/api/v1/emojis/{emoji_id}"
    with attacks.attempt(f"{field} in a change"):
        body = {"name": "Changed", field: TEMPLATE[field]}
        assert actors.http.patch(path, json=body, headers=another.headers).status_code in (200, 400)
    for found in (
        made.json() if made.status_code == 201 else None,
        actors.http.get(path, headers=another.headers).json(),
    ):
        if found is None:
            continue
        assert found["owner"]["id"] == another.id
        assert (found["built_in"], found["uses"], found["favorites"]) == (False, 0, 0)
        assert not found["created_at"].startswith("2001")
        assert found["id"] != TEMPLATE["id"]


def test_maker_can_not_restore_a_hidden_template(actors: Actors, attacks: Attacks) -> None:
    another = actors.actor("another")
    emoji_id = actors.new_emoji(by=another)
    operator = actors.actor("operator").headers
    hidden = actors.http.post(f"/api/v1/moderation/emojis/{emoji_id}", json={"decision": "hide"}, headers=operator)
    assert hidden.status_code == 200
    for body in (
        {"hidden": False, "name": "Mine"},
        {"visibility": "public"},
        {"update_mask": "hidden", "hidden": False},
    ):
        with attacks.attempt(str(body)):
            actors.http.patch(f"/api/v1/emojis/{emoji_id}", json=body, headers=another.headers)
            assert actors.http.get(f"/api/v1/emojis/{emoji_id}").status_code == 404


def test_body_and_query_do_not_override_the_path(actors: Actors, attacks: Attacks) -> None:
    another = actors.actor("another")
    mine, theirs = actors.new_emoji("private", by=another), actors.private_emoji
    before = actors.http.get(f"/api/v1/emojis/{theirs}", headers=actors.owner.headers).json()
    for what, path, body in (
        ("in the body", f"/api/v1/emojis/{mine}", {"id": theirs, "name": "Taken"}),
        ("in the query", f"/api/v1/emojis/{mine}?id={theirs}", {"name": "Taken"}),
        ("twice in the query", f"/api/v1/emojis/{mine}?id={mine}&id={theirs}", {"name": "Taken"}),
    ):
        with attacks.attempt(what):
            answer = actors.http.patch(path, json=body, headers=another.headers)
            # Access is checked for whichever id counts.
            assert answer.status_code in (400, 403, 404) or answer.json()["id"] == mine
            after = actors.http.get(f"/api/v1/emojis/{theirs}", headers=actors.owner.headers).json()
            assert after == before
    task = actors.new_task(by=another)
    for what, path, body in (
        ("a photo, in the body", f"/api/v1/faces/tasks/{task}/share", {"task_id": actors.task}),
        ("a photo, in the query", f"/api/v1/faces/tasks/{task}/share?task_id={actors.task}", {}),
    ):
        with attacks.attempt(what):
            answer = actors.http.post(path, json=body, headers=another.headers)
            if answer.status_code < 300:
                shared = actors.http.get(f"/api/v1/shared/{answer.json()['token']}/image").content
                own = actors.http.get(f"/api/v1/faces/tasks/{task}/image", headers=another.headers).content
                assert shared == own
            else:
                assert outcome_of(answer).status in (400, 404)


def test_task_belongs_to_the_caller(actors: Actors, attacks: Attacks) -> None:
    another = actors.actor("another")
    for field in ("user_id", "owner_id", "task_id", "state", "image_url"):
        with attacks.attempt(f"{field} in the query"):
            answer = actors.http.post(
                "/api/v1/faces/tasks",
                params={"emoji_id": actors.built_in_id, field: actors.owner.id},
                content=actors.faceless_photo,
                headers=another.headers,
            )
            assert outcome_of(answer).reason == "INVALID_REQUEST"
        with attacks.attempt(f"{field} in a form"):
            parts: Any = {
                "image": ("x.jpg", actors.faceless_photo, "image/jpeg"),
                "emoji_id": (None, actors.built_in_id),
                field: (None, actors.owner.id),
            }
            taken = actors.http.post("/api/v1/faces/tasks", files=parts, headers=another.headers)
            assert taken.status_code == 202, taken.text
            assert taken.json()["task_id"] != actors.owner.id
            actors.finished(taken.json()["task_id"], another)


def test_unknown_grpc_fields_are_ignored(actors: Actors, attacks: Attacks) -> None:
    """Unknown field numbers, as a later or internal version of the message would have."""
    another = actors.actor("another")
    rpc = RPCS["auth.UpdateMe"]
    for number in (2, 3, 4, 5, 100, 536_870_911):
        with attacks.attempt(f"field {number}"):
            request = message(rpc, alias=actors.new_account()["alias"])
            outcome = by_grpc(actors.channel, rpc, _with_unknown(request, number, b"operator"), another.headers)
            assert outcome.status in (200, 400)
            me = actors.http.get("/api/v1/users/me", headers=another.headers).json()
            assert (me["role"], me["id"]) == ("user", another.id)


def _with_unknown(request: Message, number: int, value: bytes) -> Message:
    tag, key = number << 3 | 2, bytearray()
    while tag > 127:
        key.append(tag & 127 | 128)
        tag >>= 7
    data = request.SerializeToString() + bytes(key) + bytes((tag, len(value))) + value
    changed = type(request)()
    changed.ParseFromString(data)
    return changed


def test_clients_can_not_choose_ids(actors: Actors, attacks: Attacks) -> None:
    """The services choose ids, so that none can be occupied in advance."""
    chosen = new_id()
    for what, path, body in (
        ("a template", "/api/v1/emojis", {"id": chosen, "name": "Mine", "base_id": actors.built_in_id}),
        ("a guest", "/api/v1/users/guest", {"id": chosen, "refresh_token_in_body": True}),
    ):
        with attacks.attempt(what):
            answer = actors.http.post(path, json=body, headers=actors.actor("another").headers)
            assert answer.status_code in (201, 400)
            assert chosen not in answer.text
