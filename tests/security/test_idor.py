"""Ids of what is somebody else's, in every RPC that takes one; and whatever else leads to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from contract.actors import Person, World
from contract.calls import RPCS, Outcome, by_grpc, by_rest, message, outcome_of
from contract.test_access import TABLE
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import Default

from igemoji_mesh.ids import new_id

from .attack_report import Tally

STRANGERS = ("nobody", "guest", "another")
IDS = ("id", "ids", "token", "page_token", "refresh_token", "etag")


def leads_to_something(name: str) -> bool:
    """Whether a field of this name says whose or which thing is meant."""
    return name in IDS or name.endswith("_id")


def named(kind: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The fields of a request that lead to something, those of the messages in it too."""
    for field in kind.fields:
        if leads_to_something(field.name):
            yield field.name
        if field.message_type is not None and field.message_type.full_name not in seen:
            yield from named(field.message_type, seen | {kind.full_name})


WITH_IDS = {name for name, rpc in RPCS.items() if set(named(Default().FindMessageTypeByName(rpc.request)))}
"""Taken from the contract: a new RPC is in it by itself."""


@dataclass(frozen=True)
class Held:
    """What keeps strangers away."""

    field: str
    """Which of the request is another's."""
    secret: bool = True
    """Whether a stranger gets the same answer for what is not there as for what is another's."""


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
"""The row of the contract's table says what a stranger gets."""

PRIVATE = {
    "emoji_catalog.AddFavorite": "id",
    "emoji_catalog.RemoveFavorite": "id",
    "emoji_catalog.ReportEmoji": "id",
    "emoji_catalog.CreateEmoji": "base_id",
    "inference.CreateTask": "emoji_id",
}
"""Open to anyone for public templates: with a private one of somebody else's it must be as if there were none."""

SECRETS = {
    "auth.Refresh": "refresh_token",
    "auth.Logout": "refresh_token",
    "auth.ConfirmPasswordReset": "token",
    "auth.GetDeletion": "id",
    "inference.GetShared": "token",
    "inference.GetSharedImage": "token",
}
"""Who has it may: 128 random bits or more. `test_token_forgery` and the tests of the services guess at them."""

LISTS = {"auth.GetMyPage", "emoji_catalog.ListEmojis", "emoji_catalog.ListReports"}
"""Their tests are below."""

INTERNAL = {name for name in WITH_IDS if TABLE[name].operator == 501}
"""`test_services` calls them."""


def test_every_rpc_with_an_id_has_a_case() -> None:
    assert {*OWNERS, *PRIVATE, *SECRETS, *LISTS, *INTERNAL} == WITH_IDS


def calls(world: World, name: str, person: Person, fields: dict[str, Any]) -> Iterator[tuple[str, Outcome]]:
    """The same call by REST and by gRPC."""
    rpc = RPCS[name]
    for number, binding in enumerate(rpc.bindings):
        yield f"REST {number}", by_rest(world.http, rpc, message(rpc, **fields), person.headers, binding)
    yield "gRPC", by_grpc(world.channel, rpc, message(rpc, **fields), person.headers)


def like(one: Outcome, other: Outcome, *ids: str) -> bool:
    """Whether two refusals say the same but for the ids that were asked for."""

    def text(outcome: Outcome) -> str:
        said = str(outcome.body)
        for found in ids:
            said = said.replace(found, "ID")
        return said

    return (one.status, one.reason, text(one)) == (other.status, other.reason, text(other))


@pytest.mark.parametrize("name", OWNERS)
def test_resources_of_others_look_missing(name: str, world: World, tally: Tally) -> None:
    held, row = OWNERS[name], TABLE[name]
    fields = row.fields(world)
    theirs, made_up = fields[held.field], new_id()
    before = state(world)
    for kind in STRANGERS:
        person = world.person(kind)
        for (way, mine), (_, nobodys) in zip(
            calls(world, name, person, fields), calls(world, name, person, fields | {held.field: made_up}), strict=True
        ):
            with tally.attempt(f"{kind} by {way}"):
                assert mine.status == getattr(row, kind)
                assert not held.secret or like(mine, nobodys, theirs, made_up)
                assert world.owner.email not in str(mine.body)
    assert state(world) == before


@pytest.mark.parametrize("name", PRIVATE)
def test_private_template_can_not_be_used_by_others(name: str, world: World, tally: Tally) -> None:
    field, fields = PRIVATE[name], TABLE[name].fields(world)
    made_up = new_id()
    for kind in ("guest", "another", "operator"):
        person = world.person(kind)
        for (way, mine), (_, nobodys) in zip(
            calls(world, name, person, fields | {field: world.private_emoji}),
            calls(world, name, person, fields | {field: made_up}),
            strict=True,
        ):
            with tally.attempt(f"{kind} by {way}"):
                assert like(mine, nobodys, world.private_emoji, made_up)
                # What takes no notice of templates that are not there says nothing of private ones either.
                assert mine.status in (404, 200 if name.endswith("RemoveFavorite") else 404)


def test_lists_show_only_public_templates_of_others(world: World, tally: Tally) -> None:
    private = world.private_emoji
    unlisted = world.new_emoji("unlisted")
    for kind in (*STRANGERS, "operator"):
        with tally.attempt(f"templates of the owner, by {kind}"):
            assert not {private, unlisted} & set(listed(world, world.person(kind), owner_id=world.owner.id))
    assert {private, unlisted} <= set(listed(world, world.owner, owner_id=world.owner.id))
    for kind in ("guest", "another"):
        for case in ("result", "upload"):
            with tally.attempt(f"my page of {kind}, {case}"):
                page = world.http.get(f"/api/v1/users/mypage/{case}", headers=world.person(kind).headers).json()
                assert not {world.task, world.emoji, private} & ids_in(page)


def test_page_token_of_another_user_reveals_nothing(world: World, tally: Tally) -> None:
    for _ in range(9 - len(listed(world, world.owner, owner_id=world.owner.id))):
        world.new_emoji("private")
    query = {"owner_id": world.owner.id}
    token = world.http.get("/api/v1/emojis/pages/1", params=query, headers=world.owner.headers).json()[
        "next_page_token"
    ]
    mine = world.http.get("/api/v1/users/mypage/upload", headers=world.owner.headers).json()["next_page_token"]
    for kind in (*STRANGERS, "operator"):
        with tally.attempt(f"of templates, by {kind}"):
            found = world.http.get(
                "/api/v1/emojis/pages/1", params=query | {"page_token": token}, headers=world.person(kind).headers
            )
            assert found.status_code == 400 or all(emoji["visibility"] == "public" for emoji in found.json()["emojis"])
    for kind in ("guest", "another"):
        with tally.attempt(f"of my page, by {kind}"):
            found = world.http.get(
                "/api/v1/users/mypage/upload", params={"page_token": mine}, headers=world.person(kind).headers
            )
            assert found.status_code == 400 or not found.json()["emojis"]


def test_idempotency_key_of_another_user_reveals_nothing(world: World, tally: Tally) -> None:
    draft = {"name": "Keyed", "base_id": world.built_in_id, "visibility": "private"}
    key = {"Idempotency-Key": new_id()}
    theirs = world.http.post("/api/v1/emojis", json=draft, headers=world.owner.headers | key).json()["id"]
    for kind in ("guest", "another", "operator"):
        with tally.attempt(kind):
            answer = world.http.post("/api/v1/emojis", json=draft, headers=world.person(kind).headers | key)
            assert answer.status_code == 409 or answer.json()["id"] != theirs


def test_deleted_account_has_no_access(world: World, tally: Tally) -> None:
    gone = world.new_person("guest")
    task = world.new_task(by=gone)
    world.http.delete("/api/v1/users/me", headers=gone.headers)
    with tally.attempt("the account"):
        assert world.http.get("/api/v1/users/me", headers=gone.headers).status_code == 401
    with tally.attempt("a login that goes on"):
        body = {"refresh_token": gone.refresh_token}
        assert outcome_of(world.http.post("/api/v1/users/auth/refresh", json=body)).status == 401
    for kind in STRANGERS:
        with tally.attempt(f"a photo that was theirs, by {kind}"):
            answer = world.http.get(f"/api/v1/faces/tasks/{task}/image", headers=world.person(kind).headers)
            assert answer.status_code in (401, 404)


def listed(world: World, person: Person, **query: str) -> list[str]:
    """The ids on all pages of a list."""
    found, token = [], ""
    while True:
        page = world.http.get(
            "/api/v1/emojis/pages/1", params=query | {"page_token": token}, headers=person.headers
        ).json()
        found += [emoji["id"] for emoji in page["emojis"]]
        token = page["next_page_token"]
        if not token:
            return found


def ids_in(page: dict[str, Any]) -> set[str]:
    return {found.get("task_id") or found["id"] for found in page["results"] + page["emojis"]}


def state(world: World) -> list[Any]:
    """What strangers tried to change."""
    paths = (f"/api/v1/emojis/{world.private_emoji}", f"/api/v1/emojis/{world.emoji}")
    owner = world.owner.headers
    found = [world.http.get(path, headers=owner).json() for path in paths]
    task = world.http.get(f"/api/v1/faces/tasks/{world.settled_task()}", headers=owner).json()
    image = world.http.get(f"/api/v1/faces/tasks/{world.task}/image", headers=owner).content
    return [*found, task, image]
