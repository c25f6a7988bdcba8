"""Paths of the design, and REST beside bodies: trailing slashes, Location, etags, caching."""

import json
import re

import pytest

from igemoji_protos import OPENAPI

from .actors import Actors
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
def test_trailing_slash_is_accepted(name: str, actors: Actors) -> None:
    rpc, row = RPCS[name], TABLE[name]
    binding = rpc.bindings[0]
    for method in ("get", "put", "post", "delete", "patch"):
        if path := getattr(binding, method):
            with_slash = type(binding)(body=binding.body, **{method: f"{path}/"})
    anonymous = by_rest(actors.http, rpc, message(rpc, **row.fields(actors)), {}, with_slash)
    assert anonymous.status == row.anonymous


def test_location_header_leads_to_the_new_resource(actors: Actors) -> None:
    headers = actors.owner.headers
    draft = {"name": "Placed", "base_id": actors.built_in_id}
    made = actors.http.post("/api/v1/emojis", json=draft, headers=headers)
    assert actors.http.get(made.headers["location"]).json() == made.json()
    taken = actors.http.post(
        "/api/v1/faces/tasks", params={"emoji_id": actors.built_in_id}, content=actors.faceless_photo, headers=headers
    )
    task = actors.http.get(taken.headers["location"], headers=headers).json()
    assert task["task_id"] == taken.json()["task_id"]
    actors.finished(task["task_id"], actors.owner)
    link = actors.http.post(f"/api/v1/faces/tasks/{task['task_id']}/share", json={}, headers=headers)
    assert link.headers["cache-control"] == "no-store"
    assert actors.http.get(link.headers["location"]).status_code == 200
    deletion = actors.http.delete("/api/v1/users/me", headers=actors.new_actor("guest").headers)
    assert actors.http.get(deletion.headers["location"]).json()["id"] == deletion.json()["id"]


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_if_match_refuses_edits_of_an_older_version(encoding: str, actors: Actors) -> None:
    path, headers = f"/api/v1/emojis/{actors.new_emoji()}", {**actors.owner.headers, "Accept-Encoding": encoding}
    read = actors.http.get(path, headers=headers)
    etag = read.headers["etag"]
    assert etag.removeprefix("W/") == f'"{read.json()["etag"]}"'
    guarded = {**headers, "If-Match": etag}
    changed = actors.http.patch(path, json={"name": "First"}, headers=guarded)
    assert (changed.status_code, changed.json()["name"]) == (200, "First")
    assert changed.headers["etag"].removeprefix("W/") == f'"{changed.json()["etag"]}"' != etag.removeprefix("W/")
    late = outcome_of(actors.http.patch(path, json={"name": "Second"}, headers=guarded))
    assert (late.status, late.reason) == (409, "EDIT_CONFLICT")
    assert actors.http.patch(path, json={"name": "Any", "etag": ""}, headers=headers).status_code == 200
    assert actors.http.patch(path, json={"name": "Any"}, headers={**headers, "If-Match": "*"}).status_code == 200


def test_cache_control_of_pictures(actors: Actors) -> None:
    emoji = actors.http.get(f"/api/v1/emojis/{actors.emoji}").json()
    by_digest = actors.http.get(emoji["images"]["happy"])
    assert by_digest.headers["cache-control"] == "public, max-age=31536000, immutable"
    digest = re.search(r"v=(\w{64})$", emoji["images"]["happy"])
    assert digest is not None
    assert by_digest.headers["etag"] == f'"{digest[1]}"'
    assert actors.http.get(f"/api/v1/emojis/{actors.emoji}/images/happy").headers["cache-control"] == "no-cache"
    mine = f"/api/v1/emojis/{actors.private_emoji}/images/happy"
    assert actors.http.get(mine, headers=actors.owner.headers).headers["cache-control"] == "private, no-cache"
    result = actors.http.get(f"/api/v1/faces/tasks/{actors.task}/image", headers=actors.owner.headers)
    assert result.headers["cache-control"] == "private, no-cache"
    assert actors.http.get("/.well-known/jwks.json").headers["cache-control"] == "public, max-age=300"
    assert actors.http.get("/api/v1/users/me", headers=actors.owner.headers).headers["cache-control"] == "no-store"


def test_template_is_found_by_id_in_the_query(actors: Actors) -> None:
    by_path = actors.http.get(f"/api/v1/emojis/{actors.emoji}")
    assert actors.http.get("/api/v1/emojis", params={"id": actors.emoji}).json() == by_path.json()
    assert actors.http.get("/api/v1/emojis/", params={"id": actors.emoji}).json() == by_path.json()


def test_unknown_paths_and_parameters_are_errors_of_the_contract(actors: Actors) -> None:
    for method, path in (("GET", "/api/v1/nowhere"), ("PUT", "/api/v1/emojis/pages/1"), ("GET", "/api/v2/users/me")):
        unknown = outcome_of(actors.http.request(method, path))
        assert (unknown.status, unknown.reason) == (404, "NO_SUCH_CALL")
    unasked = outcome_of(actors.http.get("/api/v1/faces/ranking", params={"windows": "day"}))
    assert (unasked.status, unasked.reason) == (400, "INVALID_REQUEST")
