"""Every limit of the design: its maximum is accepted and one more is refused with a reason.

Limits that a request through the gateway can reach are tested here. A limit that needs other settings or a clock names
its own test.
"""

import ast
import base64
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from .actors import Actors
from .calls import Outcome, outcome_of

ROOT = Path(__file__).parents[2]
MIB = 1 << 20

Try = Callable[[Actors, Any], httpx.Response]


@dataclass(frozen=True)
class Limit:
    """A limit tested through the gateway."""

    send: Try
    within: Any
    """Largest accepted value, or a function that returns it."""
    beyond: Any
    refusal: tuple[int, str]
    """Status and reason."""
    field: str = ""
    """Field that the error names."""
    success: int = 200


def register(actors: Actors, changes: dict[str, str]) -> httpx.Response:
    return actors.http.post("/api/v1/users", json=actors.new_account() | changes)


def draft(actors: Actors, changes: dict[str, Any]) -> httpx.Response:
    body = {"name": "Limits", "base_id": actors.built_in_id, "visibility": "private"} | changes
    return actors.http.post("/api/v1/emojis", json=body, headers=actors.owner.headers)


def picture(actors: Actors, data: bytes) -> httpx.Response:
    return draft(actors, {"images": {"happy": base64.b64encode(data).decode()}})


def photo(actors: Actors, data: bytes) -> httpx.Response:
    """Upload a photo as a new guest and cancel its task."""
    guest = actors.new_actor("guest")
    query = {"emoji_id": actors.built_in_id}
    answer = actors.http.post("/api/v1/faces/tasks", params=query, content=data, headers=guest.headers)
    if answer.status_code == 202:
        actors.http.post(f"{answer.headers['location']}/cancel", headers=guest.headers)
    return answer


def report(actors: Actors, comment: str) -> httpx.Response:
    body = {"reason": "other", "comment": comment}
    return actors.http.post(f"/api/v1/emojis/{actors.emoji}/report", json=body, headers=actors.owner.headers)


def share(actors: Actors, days: int) -> httpx.Response:
    path = f"/api/v1/faces/tasks/{actors.task}/share"
    return actors.http.post(path, json={"days": days}, headers=actors.owner.headers)


def ranking(actors: Actors, limit: int) -> httpx.Response:
    return actors.http.get("/api/v1/faces/ranking", params={"limit": limit})


def keyed(actors: Actors, key: str) -> httpx.Response:
    headers = {**actors.owner.headers, "Idempotency-Key": key}
    draft = {"name": "Limits", "base_id": actors.built_in_id, "visibility": "private"}
    return actors.http.post("/api/v1/emojis", json=draft, headers=headers)


def image(width: int, height: int, kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 90)).save(file, kind)
    return file.getvalue()


def of_size(size: int, kind: str = "PNG") -> bytes:
    """Return a valid picture of `size` bytes: decoders ignore the bytes after its end."""
    data = image(64, 64, kind)
    return data + bytes(size - len(data))


def alias(length: int) -> dict[str, str]:
    return {"alias": base64.b32encode(os.urandom(20)).decode()[:length].lower()}


def in_template(within: Any, beyond: Any, field: str) -> Limit:
    return Limit(draft, within, beyond, (400, "INVALID_REQUEST"), field, success=201)


def in_account(within: dict[str, str], beyond: dict[str, str], reason: str = "INVALID_REQUEST") -> Limit:
    (field,) = beyond
    return Limit(register, within, beyond, (400, reason), field, success=201)


def as_picture(within: Any, beyond: Any, reason: str = "INVALID_TEMPLATE") -> Limit:
    return Limit(picture, within, beyond, (400, reason), "images.happy", success=201)


def as_photo(within: Any, beyond: Any, status: int, reason: str) -> Limit:
    return Limit(photo, within, beyond, (status, reason), success=202)


def as_key(within: str, beyond: str) -> Limit:
    return Limit(keyed, within, beyond, (400, "INVALID_IDEMPOTENCY_KEY"), "Idempotency-Key", success=201)


SENT = {
    "photo: 16 MiB": as_photo(
        lambda: of_size(16 * MIB, "JPEG"), lambda: of_size(16 * MIB + 1, "JPEG"), 413, "PHOTO_TOO_LARGE"
    ),
    "photo: 40 megapixels": as_photo(
        lambda: image(8000, 5000, "JPEG"), lambda: image(8000, 5001, "JPEG"), 400, "PHOTO_TOO_MANY_PIXELS"
    ),
    "photo: JPEG, PNG, WebP, HEIC by content": as_photo(
        lambda: image(64, 64, "WEBP"), lambda: image(64, 64, "GIF"), 400, "PHOTO_NOT_RECOGNIZED"
    ),
    "template picture: 1 MiB": as_picture(lambda: of_size(MIB), lambda: of_size(MIB + 1), "INVALID_REQUEST"),
    "template picture: 4 megapixels": as_picture(lambda: image(2000, 2000, "PNG"), lambda: image(2001, 2000, "PNG")),
    "template picture: PNG, JPEG, WebP": as_picture(lambda: image(64, 64, "WEBP"), lambda: image(64, 64, "BMP")),
    "template name: at least 1": in_template({"name": "a"}, {"name": ""}, "name"),
    "template name: at most 50": in_template({"name": "가" * 50}, {"name": "가" * 51}, "name"),
    "tags: 10": in_template(
        {"tags": [f"tag{number}" for number in range(10)]}, {"tags": [f"tag{number}" for number in range(11)]}, "tags"
    ),
    "tag: 20": in_template({"tags": ["가" * 20]}, {"tags": ["가" * 21]}, "tags"),
    "alias: at least 2": in_account(alias(2), alias(1)),
    "alias: at most 20": in_account(alias(20), alias(21)),
    "alias: letters, digits, Hangul": in_account({"alias": "가힣" + alias(9)["alias"]}, {"alias": "a b"}),
    "password: at least 8 characters": in_account({"password": "비밀번호를고르자"}, {"password": "비밀번호고르자"}),
    "password: at most 72 bytes": in_account({"password": "가" * 24}, {"password": "가" * 24 + "."}),
    "password: none of the commonest": in_account(
        {"password": "iloveyou and you"}, {"password": "iloveyou"}, "PASSWORD_TOO_COMMON"
    ),
    "comment of a report: 500": Limit(report, "가" * 500, "가" * 501, (400, "INVALID_REQUEST"), "comment"),
    "link: 30 days": Limit(share, 30, 31, (400, "INVALID_REQUEST"), "days", success=201),
    "ranking: 100": Limit(ranking, 100, 101, (400, "INVALID_REQUEST"), "limit"),
    "Idempotency-Key: at least 16": as_key(os.urandom(8).hex(), "a" * 15),
    "Idempotency-Key: at most 128": as_key(os.urandom(64).hex(), "a" * 129),
}

TESTS = {
    "detect": "libs/vision/tests/pipeline/test_detect.py",
    "decode": "libs/vision/tests/pipeline/test_decode.py",
    "tasks": "services/inference/tests/test_tasks.py",
    "hostile": "libs/vision/tests/hostile/test_limits.py",
    "login": "services/auth/tests/test_login.py",
    "throttle": "services/auth/tests/test_throttle.py",
    "quotas": "services/inference/tests/test_quotas.py",
    "overload": "services/gateway/tests/test_overload.py",
    "upstreams": "services/gateway/tests/test_upstreams.py",
    "errors": "services/gateway/tests/test_errors.py",
    "e2e": "tests/e2e/test_round_trip.py",
}

HELD_ELSEWHERE = {
    "photo: the first frame": ("decode", "test_of_an_animation_the_first_frame_is_taken"),
    "photo: 17 MiB at the edge": ("e2e", "test_invalid_uploads_are_refused_with_a_reason"),
    "faces: 200 in a photo, and more_faces is set": ("detect", "test_many_faces_are_cut_to_the_largest_two_hundred"),
    "open tasks: 5 a user, and those of all": (
        "tasks",
        "test_open_tasks_beyond_the_quota_are_refused_with_retry_after",
    ),
    "photos a day: 1,000 a user, 100 a guest": (
        "quotas",
        "test_daily_quota_counts_deleted_photos",
    ),
    "tasks watched: 20 a user": (
        "quotas",
        "test_watch_quota_is_freed_when_a_watch_ends",
    ),
    "calls at a time: those that a service has room for": (
        "overload",
        "test_calls_above_the_circuit_breaker_are_refused_with_retry_after",
    ),
    "streams at a time: apart from calls": (
        "overload",
        "test_streams_have_their_own_circuit_breaker",
    ),
    "one task: 20 s": ("hostile", "test_a_photo_whose_process_ran_out_of_cpu_time_failed_for_the_limit"),
    "one task: 1.5 GiB": ("hostile", "test_without_enough_memory_a_photo_fails_for_the_limit_and_its_process_lives"),
    "login: 10 tries in 5 minutes by account": ("login", "test_ten_failed_logins_block_an_account_for_five_minutes"),
    "login, accounts, resets: tries by address": (
        "throttle",
        "test_address_limits_are_exact_across_replicas",
    ),
    "calls a minute by address": ("upstreams", "test_calls_are_limited_by_address"),
    "other requests at the edge": ("errors", "test_too_large_body_is_refused_before_it_is_sent"),
}


def tried(limit: Limit, actors: Actors, what: Any) -> Outcome:
    return outcome_of(limit.send(actors, what() if callable(what) else what))


@pytest.mark.parametrize("name", SENT)
def test_limit_accepts_its_maximum_and_refuses_one_more(name: str, actors: Actors) -> None:
    limit = SENT[name]
    within = tried(limit, actors, limit.within)
    assert (within.status, within.reason) == (limit.success, "")
    beyond = tried(limit, actors, limit.beyond)
    assert (beyond.status, beyond.reason) == limit.refusal
    assert beyond.body["message"]
    if limit.field:
        assert [field.split("[")[0] for field in beyond.fields] == [limit.field]


@pytest.mark.parametrize("name", HELD_ELSEWHERE)
def test_tests_of_other_limits_exist(name: str) -> None:
    file, test = HELD_ELSEWHERE[name]
    tree = ast.parse((ROOT / TESTS[file]).read_text(encoding="utf-8"))
    assert test in [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_refused_photos_do_not_use_up_the_quota(actors: Actors) -> None:
    guest = actors.new_actor("guest")
    headers = guest.headers
    query = {"emoji_id": actors.built_in_id}
    for _ in range(6):
        refused = actors.http.post("/api/v1/faces/tasks", params=query, content=b"no photo", headers=headers)
        assert refused.status_code == 400
    task_id = actors.upload(actors.faceless_photo, guest)
    assert actors.finished(task_id, guest)["state"] == "TASK_STATE_DONE"
