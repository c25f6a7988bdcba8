"""Revise, share and delete a finished photo by REST."""

import io

import pytest
from PIL import Image
from support.users import FACE_CENTER, astronaut


@pytest.fixture(scope="session", name="astronaut")
def astronaut_fixture() -> bytes:
    return astronaut(kind="PNG")


def test_owner_revises_and_adds_faces(me, built_in, astronaut):
    task = me.finished(astronaut, built_in["id"])
    path = f"/api/v1/faces/tasks/{task['task_id']}"
    covered = me.image(task).getpixel(FACE_CENTER)

    revised = me.http.patch(f"{path}/faces/0", json={"covered": False}, headers=me.headers)
    assert (revised.status_code, revised.json()["state"]) == (202, "TASK_STATE_QUEUED")
    task = me.events(task["task_id"])[-1]["task"]
    assert not task["faces"][0]["covered"]
    with Image.open(io.BytesIO(astronaut)) as original:
        assert me.image(task).getpixel(FACE_CENTER) == original.getpixel(FACE_CENTER) != covered

    added = me.http.post(
        f"{path}/faces", json={"box": {"x": 350, "y": 350, "width": 100, "height": 100}}, headers=me.headers
    )
    assert added.status_code == 202
    assert len(me.events(task["task_id"])[-1]["task"]["faces"]) == 2

    wrong = me.http.patch(f"{path}/faces/9", json={"covered": False}, headers=me.headers)
    assert (wrong.status_code, wrong.json()["details"][0]["reason"]) == (404, "FACE_NOT_FOUND")


def test_share_link_works_until_revoked_and_is_not_logged(mesh, me, built_in, astronaut, eventually):
    task = me.finished(astronaut, built_in["id"])
    path = f"/api/v1/faces/tasks/{task['task_id']}"
    share = me.http.post(f"{path}/share", json={}, headers=me.headers)
    assert share.status_code == 201
    shared = me.http.get(share.json()["url"])
    assert shared.status_code == 200
    assert me.http.get(shared.json()["image_url"]).headers["content-type"] == "image/png"
    assert me.http.delete(f"{path}/share", headers=me.headers).status_code == 200
    gone = me.http.get(share.json()["url"])
    assert (gone.status_code, gone.json()["details"][0]["reason"]) == (404, "LINK_NOT_FOUND")

    me.get(path)
    last = me.http.get(path).headers["x-request-id"]
    eventually(lambda: any(last in line and path in line for line in mesh.lines))
    logged = "\n".join(mesh.lines)
    assert "InferenceService/GetSharedImage" in logged
    assert share.json()["token"] not in logged


def test_deleted_photo_is_gone(me, built_in, astronaut):
    task = me.finished(astronaut, built_in["id"])
    path = f"/api/v1/faces/tasks/{task['task_id']}"
    assert me.http.delete(path, headers=me.headers).status_code == 200
    assert me.get(path).status_code == me.get(task["image_url"]).status_code == 404
    assert me.get("/api/v1/users/mypage/result").json()["total"] == 0


def test_task_can_be_canceled(me, built_in, astronaut):
    task_id = me.upload(astronaut, built_in["id"]).json()["task_id"]
    answer = me.http.post(f"/api/v1/faces/tasks/{task_id}/cancel", headers=me.headers)
    assert answer.status_code == 200
    assert answer.json()["state"] in ("TASK_STATE_FAILED", "TASK_STATE_DONE")


def test_multipart_form_is_accepted(me, built_in, astronaut):
    answer = me.http.post(
        "/api/v1/faces/tasks",
        data={"emoji_id": built_in["id"]},
        files={"image": ("me.png", astronaut, "image/png")},
        headers=me.headers,
    )
    assert answer.status_code == 202, answer.text
    assert me.events(answer.json()["task_id"])[-1]["task"]["state"] == "TASK_STATE_DONE"
