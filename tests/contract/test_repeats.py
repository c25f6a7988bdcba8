"""What is sent twice, or by two at once, has one effect."""

import os
import signal
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from igemoji_stack.mesh.mesh import Mesh

from .actors import Person, World, eventually
from .calls import RPCS, Outcome, by_grpc, by_rest, message, outcome_of

Fields = Callable[[World], dict[str, Any]]


def task(**fields: Any) -> Fields:
    return lambda world: {"task_id": world.settled_task(), **fields}


KEYED: dict[str, tuple[Fields, Fields]] = {
    "auth.Register": (lambda world: world.new_account(), lambda world: world.new_account()),
    "auth.StartGuest": (lambda world: {}, lambda world: {"refresh_token_in_body": True}),
    "auth.RequestPasswordReset": (lambda world: {"email": "a@example.org"}, lambda world: {"email": "b@example.org"}),
    "emoji_catalog.CreateEmoji": (
        lambda world: {"name": "Once", "base_id": world.built_in_id},
        lambda world: {"name": "Twice", "base_id": world.built_in_id},
    ),
    "emoji_catalog.ReportEmoji": (
        lambda world: {"id": world.emoji, "reason": "spam"},
        lambda world: {"id": world.emoji, "reason": "other"},
    ),
    "inference.CreateTask": (
        lambda world: {"image": {"data": world.faceless_photo}, "emoji_id": world.built_in_id},
        lambda world: {"image": {"data": world.photo}, "emoji_id": world.built_in_id},
    ),
    "inference.AddFace": (
        task(box={"x": 20, "y": 20, "width": 60, "height": 60}),
        task(box={"x": 20, "y": 20, "width": 61, "height": 60}),
    ),
    "inference.ShareResult": (task(days=1), task(days=2)),
}
"""A request, and another one, of every RPC that takes an Idempotency-Key."""


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def test_table_lists_every_rpc_with_an_idempotency_key() -> None:
    assert set(KEYED) == {name for name, rpc in RPCS.items() if rpc.access and rpc.access.idempotency_key}


@pytest.mark.parametrize("name", KEYED)
def test_repeated_call_is_replayed_by_rest_and_grpc(name: str, world: World) -> None:
    rpc, headers = RPCS[name], {**world.owner.headers, **new_key()}
    request, another = (message(rpc, **fields(world)) for fields in KEYED[name])
    first = by_rest(world.http, rpc, request, headers)
    assert first.status < 300
    again = by_rest(world.http, rpc, request, headers)
    assert (again.status, again.body) == (first.status, first.body)
    for header in ("location", "etag", "set-cookie"):
        assert again.headers.get(header) == first.headers.get(header)
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert by_grpc(world.channel, rpc, request, headers).status == first.status
    for conflict in (by_rest(world.http, rpc, another, headers), by_grpc(world.channel, rpc, another, headers)):
        assert (conflict.status, conflict.reason) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_form_with_another_boundary_is_replayed(world: World) -> None:
    guest, key = world.new_person("guest"), new_key()

    def send(photo: bytes) -> Outcome:
        form: Any = {"data": {"emoji_id": world.built_in_id}, "files": {"image": ("me.jpg", photo, "image/jpeg")}}
        return outcome_of(world.http.post("/api/v1/faces/tasks", headers={**guest.headers, **key}, **form))

    first, again = send(world.faceless_photo), send(world.faceless_photo)
    assert (first.status, again.body) == (202, first.body)
    assert send(world.photo).reason == "IDEMPOTENCY_KEY_REUSED"


def test_idempotency_keys_are_separate_by_user(world: World) -> None:
    key, draft = new_key(), {"name": "Mine", "base_id": world.built_in_id}
    made = [
        world.http.post("/api/v1/emojis", json=draft, headers={**world.person(kind).headers, **key}).json()
        for kind in ("owner", "another", "guest")
    ]
    assert len({emoji["id"] for emoji in made}) == 3


def test_stored_answers_with_tokens_are_encrypted(world: World) -> None:
    answer = world.http.post("/api/v1/users/guest", json={"refresh_token_in_body": True}, headers=new_key()).json()
    account = world.new_account() | {"password": "do not write me down"}
    assert world.http.post("/api/v1/users", json=account, headers=new_key()).status_code == 201
    files = [path.read_bytes() for path in world.data.glob("auth.db*")]
    assert any(answer["user"]["id"].encode() in data for data in files), "the account itself is there"
    for secret in (answer["refresh_token"], answer["access_token"], account["password"]):
        assert not any(secret.encode() in data for data in files)


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))


def templates_of(world: World, person: Person) -> list[dict[str, Any]]:
    page = world.http.get("/api/v1/emojis/pages/1", params={"owner_id": person.id}, headers=person.headers).json()
    return list(page["emojis"])


def test_fifty_posts_with_one_key_have_one_effect(world: World) -> None:
    guest = world.new_person("guest")
    headers, draft = {**guest.headers, **new_key()}, {"name": "Once", "base_id": world.built_in_id}

    def post(_: int) -> httpx.Response:
        return world.http.post("/api/v1/emojis", json=draft, headers=headers)

    answers = at_once(50, post)
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {outcome_of(answer).reason for answer in refused} <= {"IDEMPOTENT_CALL_UNDER_WAY"}
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [emoji["id"] for emoji in templates_of(world, guest)] == [*made]
    assert post(0).json()["id"] in made


def test_concurrent_registrations_of_an_alias_create_one_account(world: World) -> None:
    name = world.new_account()["alias"]
    accounts = [world.new_account() | {"alias": name} for _ in range(2)]
    answers = at_once(2, lambda number: outcome_of(world.http.post("/api/v1/users", json=accounts[number])))
    assert sorted((answer.status, answer.reason) for answer in answers) == [(201, ""), (409, "ALIAS_TAKEN")]


def test_one_of_two_concurrent_edits_is_refused(world: World) -> None:
    emoji_id = world.new_emoji()
    path = f"/api/v1/emojis/{emoji_id}"
    headers = {**world.owner.headers, "If-Match": world.http.get(path).headers["etag"]}
    edits = at_once(
        2, lambda number: outcome_of(world.http.patch(path, json={"name": f"Edit {number}"}, headers=headers))
    )
    assert sorted((edit.status, edit.reason) for edit in edits) == [(200, ""), (409, "EDIT_CONFLICT")]
    (made,) = [edit for edit in edits if edit.status == 200]
    assert world.http.get(path).json() == made.body


def test_tasks_finish_although_their_template_is_deleted(world: World) -> None:
    emoji_id, guests = world.new_emoji(), [world.new_person("guest") for _ in range(6)]

    def upload_or_delete(number: int) -> httpx.Response:
        if number == 3:
            return world.http.delete(f"/api/v1/emojis/{emoji_id}", headers=world.owner.headers)
        query = {"emoji_id": emoji_id}
        return world.http.post("/api/v1/faces/tasks", params=query, content=world.photo, headers=guests[number].headers)

    answers = at_once(6, upload_or_delete)
    assert answers.pop(3).status_code == 200
    del guests[3]
    for guest, answer in zip(guests, answers, strict=True):
        if answer.status_code == 202:
            assert world.finished(answer.json()["task_id"], guest)["state"] == "TASK_STATE_DONE"
        else:
            assert (answer.status_code, outcome_of(answer).reason) == (404, "EMOJI_NOT_FOUND")
    assert world.http.get(f"/api/v1/emojis/{emoji_id}").status_code == 404


def test_retries_after_a_kill_create_each_template_once(world: World, mesh: Mesh) -> None:
    """Whatever the kill met: before the effect, or after it, or the answer on its way. Who called tries again."""
    guests = [(world.new_person("guest"), new_key()) for _ in range(8)]
    draft = {"name": "Once", "base_id": world.built_in_id}

    def create(number: int) -> str | None:
        guest, key = guests[number]
        answer = world.http.post("/api/v1/emojis", json=draft, headers={**guest.headers, **key})
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
        made = eventually(lambda number=number: create(number), seconds=60)
        assert [emoji["id"] for emoji in templates_of(world, guest)] == [made]
