"""The REST table of the design, and what REST promises beside bodies: slashes, places, etags, caching."""

import json
import re

import pytest

from igemoji_protos import OPENAPI

from .actors import World
from .calls import RPCS, by_rest, message, outcome_of
from .test_access import TABLE

DESIGNED = """
GET    /.well-known/jwks.json
GET    /api/v1/users
POST   /api/v1/users
POST   /api/v1/users/guest
POST   /api/v1/users/auth
POST   /api/v1/users/auth/refresh
POST   /api/v1/users/auth/logout
POST   /api/v1/users/password-reset
POST   /api/v1/users/password-reset/confirm
GET    /api/v1/users/me
PATCH  /api/v1/users/me
DELETE /api/v1/users/me
PUT    /api/v1/users/me/password
GET    /api/v1/users/me/export
GET    /api/v1/users/deletions/{id}
GET    /api/v1/users/mypage/{case}
GET    /api/v1/emojis
POST   /api/v1/emojis
POST   /api/v1/emojis/preview
GET    /api/v1/emojis/pages/{page_number}
GET    /api/v1/emojis/{id}
PATCH  /api/v1/emojis/{id}
DELETE /api/v1/emojis/{id}
PUT    /api/v1/emojis/{id}/favorite
DELETE /api/v1/emojis/{id}/favorite
POST   /api/v1/emojis/{id}/report
GET    /api/v1/emojis/{id}/images/{expression}
GET    /api/v1/moderation/reports
POST   /api/v1/moderation/emojis/{id}
POST   /api/v1/faces/tasks
GET    /api/v1/faces/tasks/{task_id}
DELETE /api/v1/faces/tasks/{task_id}
POST   /api/v1/faces/tasks/{task_id}/cancel
GET    /api/v1/faces/tasks/{task_id}/events
GET    /api/v1/faces/tasks/{task_id}/image
PATCH  /api/v1/faces/tasks/{task_id}/faces/{face}
POST   /api/v1/faces/tasks/{task_id}/faces
POST   /api/v1/faces/tasks/{task_id}/share
DELETE /api/v1/faces/tasks/{task_id}/share
GET    /api/v1/shared/{token}
GET    /api/v1/shared/{token}/image
GET    /api/v1/faces/ranking
"""


def test_paths_are_those_of_the_design() -> None:
    paths = json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"]
    found = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert found == {tuple(line.split()) for line in DESIGNED.strip().splitlines()}


@pytest.mark.parametrize("name", [name for name, rpc in RPCS.items() if rpc.bindings])
def test_trailing_slash_is_accepted(name: str, world: World) -> None:
    rpc, row = RPCS[name], TABLE[name]
    binding = rpc.bindings[0]
    for method in ("get", "put", "post", "delete", "patch"):
        if path := getattr(binding, method):
            with_slash = type(binding)(body=binding.body, **{method: f"{path}/"})
    nobody = by_rest(world.http, rpc, message(rpc, **row.fields(world)), {}, with_slash)
    assert nobody.status == row.nobody


def test_location_header_leads_to_the_new_resource(world: World) -> None:
    headers = world.owner.headers
    draft = {"name": "Placed", "base_id": world.built_in_id}
    made = world.http.post("/api/v1/emojis", json=draft, headers=headers)
    assert world.http.get(made.headers["location"]).json() == made.json()
    taken = world.http.post(
        "/api/v1/faces/tasks", params={"emoji_id": world.built_in_id}, content=world.faceless_photo, headers=headers
    )
    task = world.http.get(taken.headers["location"], headers=headers).json()
    assert task["task_id"] == taken.json()["task_id"]
    world.finished(task["task_id"], world.owner)
    link = world.http.post(f"/api/v1/faces/tasks/{task['task_id']}/share", json={}, headers=headers)
    assert link.headers["cache-control"] == "no-store"
    assert world.http.get(link.headers["location"]).status_code == 200
    deletion = world.http.delete("/api/v1/users/me", headers=world.new_person("guest").headers)
    assert world.http.get(deletion.headers["location"]).json()["id"] == deletion.json()["id"]


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_if_match_refuses_edits_of_an_older_version(encoding: str, world: World) -> None:
    path, headers = f"/api/v1/emojis/{world.new_emoji()}", {**world.owner.headers, "Accept-Encoding": encoding}
    read = world.http.get(path, headers=headers)
    etag = read.headers["etag"]
    assert etag.removeprefix("W/") == f'"{read.json()["etag"]}"'
    guarded = {**headers, "If-Match": etag}
    changed = world.http.patch(path, json={"name": "First"}, headers=guarded)
    assert (changed.status_code, changed.json()["name"]) == (200, "First")
    assert changed.headers["etag"].removeprefix("W/") == f'"{changed.json()["etag"]}"' != etag.removeprefix("W/")
    late = outcome_of(world.http.patch(path, json={"name": "Second"}, headers=guarded))
    assert (late.status, late.reason) == (409, "EDIT_CONFLICT")
    assert world.http.patch(path, json={"name": "Any", "etag": ""}, headers=headers).status_code == 200
    assert world.http.patch(path, json={"name": "Any"}, headers={**headers, "If-Match": "*"}).status_code == 200


def test_cache_control_of_pictures(world: World) -> None:
    emoji = world.http.get(f"/api/v1/emojis/{world.emoji}").json()
    by_digest = world.http.get(emoji["images"]["happy"])
    assert by_digest.headers["cache-control"] == "public, max-age=31536000, immutable"
    digest = re.search(r"v=(\w{64})$", emoji["images"]["happy"])
    assert digest is not None
    assert by_digest.headers["etag"] == f'"{digest[1]}"'
    assert world.http.get(f"/api/v1/emojis/{world.emoji}/images/happy").headers["cache-control"] == "no-cache"
    mine = f"/api/v1/emojis/{world.private_emoji}/images/happy"
    assert world.http.get(mine, headers=world.owner.headers).headers["cache-control"] == "private, no-cache"
    result = world.http.get(f"/api/v1/faces/tasks/{world.task}/image", headers=world.owner.headers)
    assert result.headers["cache-control"] == "private, no-cache"
    assert world.http.get("/.well-known/jwks.json").headers["cache-control"] == "public, max-age=300"
    assert world.http.get("/api/v1/users/me", headers=world.owner.headers).headers["cache-control"] == "no-store"


def test_template_is_found_by_id_in_the_query(world: World) -> None:
    by_path = world.http.get(f"/api/v1/emojis/{world.emoji}")
    assert world.http.get("/api/v1/emojis", params={"id": world.emoji}).json() == by_path.json()
    assert world.http.get("/api/v1/emojis/", params={"id": world.emoji}).json() == by_path.json()


def test_unknown_paths_and_parameters_are_errors_of_the_contract(world: World) -> None:
    for method, path in (("GET", "/api/v1/nowhere"), ("PUT", "/api/v1/emojis/pages/1"), ("GET", "/api/v2/users/me")):
        unknown = outcome_of(world.http.request(method, path))
        assert (unknown.status, unknown.reason) == (404, "NO_SUCH_CALL")
    unasked = outcome_of(world.http.get("/api/v1/faces/ranking", params={"windows": "day"}))
    assert (unasked.status, unasked.reason) == (400, "INVALID_REQUEST")
