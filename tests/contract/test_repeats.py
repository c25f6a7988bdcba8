"""Repeated and concurrent calls have one effect."""

import os
import signal
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
from support.mesh import eventually

from igemoji_stack.mesh.mesh import Mesh

from .actors import Actor, Actors
from .calls import RPCS, Outcome, by_grpc, by_rest, message, outcome_of

Fields = Callable[[Actors], dict[str, Any]]


def task(**fields: Any) -> Fields:
    return lambda actors: {"task_id": actors.settled_task(), **fields}


KEYED: dict[str, tuple[Fields, Fields]] = {
    "auth.Register": (lambda actors: actors.new_account(), lambda actors: actors.new_account()),
    "auth.StartGuest": (lambda actors: {}, lambda actors: {"refresh_token_in_body": True}),
    "auth.RequestPasswordReset": (lambda actors: {"email": "a@example.org"}, lambda actors: {"email": "b@example.org"}),
    "emoji_catalog.CreateEmoji": (
        lambda actors: {"name": "Once", "base_id": actors.built_in_id},
        lambda actors: {"name": "Twice", "base_id": actors.built_in_id},
    ),
    "emoji_catalog.ReportEmoji": (
        lambda actors: {"id": actors.emoji, "reason": "spam"},
        lambda actors: {"id": actors.emoji, "reason": "other"},
    ),
    "inference.CreateTask": (
        lambda actors: {"image": {"data": actors.faceless_photo}, "emoji_id": actors.built_in_id},
        lambda actors: {"image": {"data": actors.photo}, "emoji_id": actors.built_in_id},
    ),
    "inference.AddFace": (
        task(box={"x": 20, "y": 20, "width": 60, "height": 60}),
        task(box={"x": 20, "y": 20, "width": 61, "height": 60}),
    ),
    "inference.ShareResult": (task(days=1), task(days=2)),
}
"""Two different requests of every RPC with an idempotency key."""


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def test_table_lists_every_rpc_with_an_idempotency_key() -> None:
    assert set(KEYED) == {name for name, rpc in RPCS.items() if rpc.access and rpc.access.idempotency_key}


@pytest.mark.parametrize("name", KEYED)
def test_repeated_call_is_replayed_by_rest_and_grpc(name: str, actors: Actors) -> None:
    rpc, headers = RPCS[name], {**actors.owner.headers, **new_key()}
    request, another = (message(rpc, **fields(actors)) for fields in KEYED[name])
    first = by_rest(actors.http, rpc, request, headers)
    assert first.status < 300
    again = by_rest(actors.http, rpc, request, headers)
    assert (again.status, again.body) == (first.status, first.body)
    for header in ("location", "etag", "set-cookie"):
        assert again.headers.get(header) == first.headers.get(header)
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert by_grpc(actors.channel, rpc, request, headers).status == first.status
    for conflict in (by_rest(actors.http, rpc, another, headers), by_grpc(actors.channel, rpc, another, headers)):
        assert (conflict.status, conflict.reason) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_form_with_another_boundary_is_replayed(actors: Actors) -> None:
    guest, key = actors.new_actor("guest"), new_key()

    def send(photo: bytes) -> Outcome:
        form: Any = {"data": {"emoji_id": actors.built_in_id}, "files": {"image": ("me.jpg", photo, "image/jpeg")}}
        return outcome_of(actors.http.post("/api/v1/faces/tasks", headers={**guest.headers, **key}, **form))

    first, again = send(actors.faceless_photo), send(actors.faceless_photo)
    assert (first.status, again.body) == (202, first.body)
    assert send(actors.photo).reason == "IDEMPOTENCY_KEY_REUSED"


def test_idempotency_keys_are_separate_by_user(actors: Actors) -> None:
    key, draft = new_key(), {"name": "Mine", "base_id": actors.built_in_id}
    made = [
        actors.http.post("/api/v1/emojis", json=draft, headers={**actors.actor(kind).headers, **key}).json()
        for kind in ("owner", "another", "guest")
    ]
    assert len({emoji["id"] for emoji in made}) == 3


def test_stored_answers_with_tokens_are_encrypted(actors: Actors) -> None:
    answer = actors.http.post("/api/v1/users/guest", json={"refresh_token_in_body": True}, headers=new_key()).json()
    account = actors.new_account() | {"password": "do not write me down"}
    assert actors.http.post("/api/v1/users", json=account, headers=new_key()).status_code == 201
    files = [path.read_bytes() for path in actors.data.glob("auth.db*")]
    assert any(answer["user"]["id"].encode() in data for data in files), "the account is not in the database"
    for secret in (answer["refresh_token"], answer["access_token"], account["password"]):
        assert not any(secret.encode() in data for data in files)


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))


def templates_of(actors: Actors, actor: Actor) -> list[dict[str, Any]]:
    page = actors.http.get("/api/v1/emojis/pages/1", params={"owner_id": actor.id}, headers=actor.headers).json()
    return list(page["emojis"])


def test_fifty_posts_with_one_key_have_one_effect(actors: Actors) -> None:
    guest = actors.new_actor("guest")
    headers, draft = {**guest.headers, **new_key()}, {"name": "Once", "base_id": actors.built_in_id}

    def post(_: int) -> httpx.Response:
        return actors.http.post("/api/v1/emojis", json=draft, headers=headers)

    answers = at_once(50, post)
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {outcome_of(answer).reason for answer in refused} <= {"IDEMPOTENT_CALL_UNDER_WAY"}
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [emoji["id"] for emoji in templates_of(actors, guest)] == [*made]
    assert post(0).json()["id"] in made


def test_concurrent_registrations_of_an_alias_create_one_account(actors: Actors) -> None:
    name = actors.new_account()["alias"]
    accounts = [actors.new_account() | {"alias": name} for _ in range(2)]
    answers = at_once(2, lambda number: outcome_of(actors.http.post("/api/v1/users", json=accounts[number])))
    assert sorted((answer.status, answer.reason) for answer in answers) == [(201, ""), (409, "ALIAS_TAKEN")]


def test_one_of_two_concurrent_edits_is_refused(actors: Actors) -> None:
    emoji_id = actors.new_emoji()
    path = f"/api/v1/emojis/{emoji_id}"
    headers = {**actors.owner.headers, "If-Match": actors.http.get(path).headers["etag"]}
    edits = at_once(
        2, lambda number: outcome_of(actors.http.patch(path, json={"name": f"Edit {number}"}, headers=headers))
    )
    assert sorted((edit.status, edit.reason) for edit in edits) == [(200, ""), (409, "EDIT_CONFLICT")]
    (made,) = [edit for edit in edits if edit.status == 200]
    assert actors.http.get(path).json() == made.body


def test_tasks_finish_although_their_template_is_deleted(actors: Actors) -> None:
    emoji_id, guests = actors.new_emoji(), [actors.new_actor("guest") for _ in range(6)]

    def upload_or_delete(number: int) -> httpx.Response:
        if number == 3:
            return actors.http.delete(f"/api/v1/emojis/{emoji_id}", headers=actors.owner.headers)
        query = {"emoji_id": emoji_id}
        return actors.http.post(
            "/api/v1/faces/tasks", params=query, content=actors.photo, headers=guests[number].headers
        )

    answers = at_once(6, upload_or_delete)
    assert answers.pop(3).status_code == 200
    del guests[3]
    for guest, answer in zip(guests, answers, strict=True):
        if answer.status_code == 202:
            assert actors.finished(answer.json()["task_id"], guest)["state"] == "TASK_STATE_DONE"
        else:
            assert (answer.status_code, outcome_of(answer).reason) == (404, "EMOJI_NOT_FOUND")
    assert actors.http.get(f"/api/v1/emojis/{emoji_id}").status_code == 404


def test_retries_after_a_kill_create_each_template_once(actors: Actors, mesh: Mesh) -> None:
    """The kill may come before the effect, after it, or before the response arrives; clients retry."""
    guests = [(actors.new_actor("guest"), new_key()) for _ in range(8)]
    draft = {"name": "Once", "base_id": actors.built_in_id}

    def create(number: int) -> str | None:
        guest, key = guests[number]
        answer = actors.http.post("/api/v1/emojis", json=draft, headers={**guest.headers, **key})
        return str(answer.json()["id"]) if answer.status_code == 201 else None

    def kill_in_mid_call(number: int) -> None:
        if number < len(guests):
            create(number)
            return
        pid = mesh.processes["emoji-catalog"].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    at_once(len(guests) + 1, kill_in_mid_call)
    for number, (guest, _) in enumerate(guests):
        made = eventually(partial(create, number), seconds=60)
        assert [emoji["id"] for emoji in templates_of(actors, guest)] == [made]
