"""Insecure direct object references: ids, tokens and keys of other users in every RPC that takes one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from contract.actors import Actor, Actors
from contract.calls import RPCS, Outcome, by_grpc, by_rest, message, outcome_of
from contract.test_access import TABLE
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import Default

from igemoji_mesh.ids import new_id

from .attack_report import Attacks

OTHERS = ("anonymous", "guest", "another")
IDS = ("id", "ids", "token", "page_token", "refresh_token", "etag")


def leads_to_something(name: str) -> bool:
    """Return whether a field of this name refers to a resource or an owner."""
    return name in IDS or name.endswith("_id")


def named(kind: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the fields of a request, and of the messages in it, that refer to a resource."""
    for field in kind.fields:
        if leads_to_something(field.name):
            yield field.name
        if field.message_type is not None and field.message_type.full_name not in seen:
            yield from named(field.message_type, seen | {kind.full_name})


WITH_IDS = {name for name, rpc in RPCS.items() if set(named(Default().FindMessageTypeByName(rpc.request)))}
"""Derived from the contract, so a new RPC is included."""


@dataclass(frozen=True)
class Held:
    """A resource that belongs to its owner."""

    field: str
    """Field of the request with the id."""
    secret: bool = True
    """Whether other users get the same response as for a missing resource."""


OWNERS = {
    "emoji_catalog.GetEmoji": Held("id"),
    "emoji_catalog.GetEmojiImage": Held("id"),
    "emoji_catalog.UpdateEmoji": Held("id", secret=False),
    "emoji_catalog.DeleteEmoji": Held("id", secret=False),
    "emoji_catalog.DecideReport": Held("id", secret=False),
    "inference.GetTask": Held("task_id"),
    "inference.WatchTask": Held("task_id"),
    "inference.GetResultImage": Held("task_id"),
    "inference.ReviseFace": Held("task_id"),
    "inference.AddFace": Held("task_id"),
    "inference.CancelTask": Held("task_id"),
    "inference.DeleteTask": Held("task_id"),
    "inference.ShareResult": Held("task_id"),
    "inference.UnshareResult": Held("task_id"),
}
"""The status is in the row of `contract.test_access.TABLE`."""

PRIVATE = {
    "emoji_catalog.AddFavorite": "id",
    "emoji_catalog.RemoveFavorite": "id",
    "emoji_catalog.ReportEmoji": "id",
    "emoji_catalog.CreateEmoji": "base_id",
    "inference.CreateTask": "emoji_id",
}
"""Open to all for public templates; a private template of another user must look missing."""

SECRETS = {
    "auth.Refresh": "refresh_token",
    "auth.Logout": "refresh_token",
    "auth.ConfirmPasswordReset": "token",
    "auth.GetDeletion": "id",
    "inference.GetShared": "token",
    "inference.GetSharedImage": "token",
}
"""Open to all who have the secret of 128 random bits or more; `test_token_forgery` and tests of services guess them."""

LISTS = {"auth.GetMyPage", "emoji_catalog.ListEmojis", "emoji_catalog.ListReports"}
"""Tested below."""

INTERNAL = {name for name in WITH_IDS if TABLE[name].operator == 501}
"""Tested in `test_services`."""


def test_every_rpc_with_an_id_has_a_case() -> None:
    assert {*OWNERS, *PRIVATE, *SECRETS, *LISTS, *INTERNAL} == WITH_IDS


def calls(actors: Actors, name: str, actor: Actor, fields: dict[str, Any]) -> Iterator[tuple[str, Outcome]]:
    """Yield the outcomes of a call by REST and by gRPC."""
    rpc = RPCS[name]
    for number, binding in enumerate(rpc.bindings):
        yield f"REST {number}", by_rest(actors.http, rpc, message(rpc, **fields), actor.headers, binding)
    yield "gRPC", by_grpc(actors.channel, rpc, message(rpc, **fields), actor.headers)


def like(one: Outcome, other: Outcome, *ids: str) -> bool:
    """Return whether two refusals are equal except for the ids in them."""

    def text(outcome: Outcome) -> str:
        text_of_body = str(outcome.body)
        for found in ids:
            text_of_body = text_of_body.replace(found, "ID")
        return text_of_body

    return (one.status, one.reason, text(one)) == (other.status, other.reason, text(other))


@pytest.mark.parametrize("name", OWNERS)
def test_resources_of_others_look_missing(name: str, actors: Actors, attacks: Attacks) -> None:
    held, row = OWNERS[name], TABLE[name]
    fields = row.fields(actors)
    theirs, made_up = fields[held.field], new_id()
    before = state(actors)
    for kind in OTHERS:
        actor = actors.actor(kind)
        for (way, mine), (_, missing) in zip(
            calls(actors, name, actor, fields), calls(actors, name, actor, fields | {held.field: made_up}), strict=True
        ):
            with attacks.attempt(f"{kind} by {way}"):
                assert mine.status == getattr(row, kind)
                assert not held.secret or like(mine, missing, theirs, made_up)
                assert actors.owner.email not in str(mine.body)
    assert state(actors) == before


@pytest.mark.parametrize("name", PRIVATE)
def test_private_template_can_not_be_used_by_others(name: str, actors: Actors, attacks: Attacks) -> None:
    field, fields = PRIVATE[name], TABLE[name].fields(actors)
    made_up = new_id()
    for kind in ("guest", "another", "operator"):
        actor = actors.actor(kind)
        for (way, mine), (_, missing) in zip(
            calls(actors, name, actor, fields | {field: actors.private_emoji}),
            calls(actors, name, actor, fields | {field: made_up}),
            strict=True,
        ):
            with attacks.attempt(f"{kind} by {way}"):
                assert like(mine, missing, actors.private_emoji, made_up)
                # RemoveFavorite ignores missing templates, so it reveals nothing of private ones either.
                assert mine.status in (404, 200 if name.endswith("RemoveFavorite") else 404)


def test_lists_show_only_public_templates_of_others(actors: Actors, attacks: Attacks) -> None:
    private = actors.private_emoji
    unlisted = actors.new_emoji("unlisted")
    for kind in (*OTHERS, "operator"):
        with attacks.attempt(f"templates of the owner, by {kind}"):
            assert not {private, unlisted} & set(listed(actors, actors.actor(kind), owner_id=actors.owner.id))
    assert {private, unlisted} <= set(listed(actors, actors.owner, owner_id=actors.owner.id))
    for kind in ("guest", "another"):
        for case in ("result", "upload"):
            with attacks.attempt(f"my page of {kind}, {case}"):
                page = actors.http.get(f"/api/v1/users/mypage/{case}", headers=actors.actor(kind).headers).json()
                assert not {actors.task, actors.emoji, private} & ids_in(page)


def test_page_token_of_another_user_reveals_nothing(actors: Actors, attacks: Attacks) -> None:
    for _ in range(9 - len(listed(actors, actors.owner, owner_id=actors.owner.id))):
        actors.new_emoji("private")
    query = {"owner_id": actors.owner.id}
    token = actors.http.get("/api/v1/emojis/pages/1", params=query, headers=actors.owner.headers).json()[
        "next_page_token"
    ]
    mine = actors.http.get("/api/v1/users/mypage/upload", headers=actors.owner.headers).json()["next_page_token"]
    for kind in (*OTHERS, "operator"):
        with attacks.attempt(f"of templates, by {kind}"):
            found = actors.http.get(
                "/api/v1/emojis/pages/1", params=query | {"page_token": token}, headers=actors.actor(kind).headers
            )
            assert found.status_code == 400 or all(emoji["visibility"] == "public" for emoji in found.json()["emojis"])
    for kind in ("guest", "another"):
        with attacks.attempt(f"of my page, by {kind}"):
            found = actors.http.get(
                "/api/v1/users/mypage/upload", params={"page_token": mine}, headers=actors.actor(kind).headers
            )
            assert found.status_code == 400 or not found.json()["emojis"]


def test_idempotency_key_of_another_user_reveals_nothing(actors: Actors, attacks: Attacks) -> None:
    draft = {"name": "Keyed", "base_id": actors.built_in_id, "visibility": "private"}
    key = {"Idempotency-Key": new_id()}
    theirs = actors.http.post("/api/v1/emojis", json=draft, headers=actors.owner.headers | key).json()["id"]
    for kind in ("guest", "another", "operator"):
        with attacks.attempt(kind):
            answer = actors.http.post("/api/v1/emojis", json=draft, headers=actors.actor(kind).headers | key)
            assert answer.status_code == 409 or answer.json()["id"] != theirs


def test_deleted_account_has_no_access(actors: Actors, attacks: Attacks) -> None:
    gone = actors.new_actor("guest")
    task = actors.new_task(by=gone)
    actors.http.delete("/api/v1/users/me", headers=gone.headers)
    with attacks.attempt("the account"):
        assert actors.http.get("/api/v1/users/me", headers=gone.headers).status_code == 401
    with attacks.attempt("a refresh"):
        body = {"refresh_token": gone.refresh_token}
        assert outcome_of(actors.http.post("/api/v1/users/auth/refresh", json=body)).status == 401
    for kind in OTHERS:
        with attacks.attempt(f"a photo of a deleted account, by {kind}"):
            answer = actors.http.get(f"/api/v1/faces/tasks/{task}/image", headers=actors.actor(kind).headers)
            assert answer.status_code in (401, 404)


def listed(actors: Actors, actor: Actor, **query: str) -> list[str]:
    """Return the ids on all pages of a list."""
    found, token = [], ""
    while True:
        page = actors.http.get(
            "/api/v1/emojis/pages/1", params=query | {"page_token": token}, headers=actor.headers
        ).json()
        found += [emoji["id"] for emoji in page["emojis"]]
        token = page["next_page_token"]
        if not token:
            return found


def ids_in(page: dict[str, Any]) -> set[str]:
    return {found.get("task_id") or found["id"] for found in page["results"] + page["emojis"]}


def state(actors: Actors) -> list[Any]:
    """Return the resources that the attacks tried to change."""
    paths = (f"/api/v1/emojis/{actors.private_emoji}", f"/api/v1/emojis/{actors.emoji}")
    owner = actors.owner.headers
    found = [actors.http.get(path, headers=owner).json() for path in paths]
    task = actors.http.get(f"/api/v1/faces/tasks/{actors.settled_task()}", headers=owner).json()
    image = actors.http.get(f"/api/v1/faces/tasks/{actors.task}/image", headers=owner).content
    return [*found, task, image]
