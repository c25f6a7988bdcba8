"""From an account to the ranking, through the gateway."""

import io

import pytest
from PIL import Image
from skimage import data

STATES = ["QUEUED", "DECODING", "DETECTING", "CLASSIFYING", "COMPOSING", "DONE"]


def jpeg(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """Return a photo of 512 x 512 with one upright face near (225, 118)."""
    return Image.fromarray(data.astronaut())


def test_photo_from_upload_to_ranking(me, group_photo, eventually):
    template = me.make_template("Party zoo")
    assert template.status_code == 201
    emoji = template.json()
    assert template.headers["location"] == f"/api/v1/emojis/{emoji['id']}"
    assert emoji["owner"]["alias"] == me.alias

    created = me.upload(group_photo, emoji["id"])
    task_id = created.json()["task_id"]
    assert (created.status_code, created.headers["location"]) == (202, f"/api/v1/faces/tasks/{task_id}")

    events = me.events(task_id)
    assert [event["task"]["state"].removeprefix("TASK_STATE_") for event in events] == STATES
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5, 6]
    faces = events[-1]["task"]["faces"]
    assert len(faces) == 3
    for face in faces:
        assert sum(face["scores"].values()) == pytest.approx(1, abs=0.01)
        assert face["covered"]

    task = me.get(f"/api/v1/faces/tasks/{task_id}").json()
    assert task == events[-1]["task"]
    result = me.image(task)
    before = Image.open(io.BytesIO(group_photo)).convert("RGB")
    assert result.size == before.size
    for face in faces:
        box = face["box"]
        middle = (int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2))
        assert result.getpixel(middle) != before.getpixel(middle)

    page = me.get("/api/v1/users/mypage/result").json()
    assert [(entry["task_id"], entry["faces"]) for entry in page["results"]] == [(task_id, 3)]
    uploads = me.get("/api/v1/users/mypage/upload").json()
    assert [entry["id"] for entry in uploads["emojis"]] == [emoji["id"]]

    def ranked():
        entries = me.get("/api/v1/faces/ranking?window=week&limit=100").json()["entries"]
        return [entry for entry in entries if entry["emoji"]["id"] == emoji["id"]]

    assert eventually(ranked)[0]["uses"] == 1

    assert me.http.delete(f"/api/v1/emojis/{emoji['id']}", headers=me.headers).status_code == 200
    eventually(lambda: not ranked())
    assert me.image(task).size == before.size


def test_use_counts_once_per_user_template_and_day(me, other_user, astronaut, eventually):
    emoji_id = me.make_template("Counted").json()["id"]
    photo = jpeg(astronaut)
    for _ in range(2):
        me.finished(photo, emoji_id)
    other_user.finished(photo, emoji_id)

    def uses():
        entries = me.get("/api/v1/faces/ranking?window=day&limit=100").json()["entries"]
        return next((entry["uses"] for entry in entries if entry["emoji"]["id"] == emoji_id), 0)

    eventually(lambda: uses() == 2)


def test_exif_rotation_is_applied_and_removed(me, built_in, astronaut):
    exif = Image.Exif()
    exif[0x0112] = 6  # show it rotated by 90 degrees clockwise
    exif[0x010F] = "Maker"
    rotated = jpeg(astronaut.rotate(90, expand=True), exif=exif)
    task = me.finished(rotated, built_in["id"])
    (face,) = task["faces"]
    assert face["box"]["x"] + face["box"]["width"] / 2 == pytest.approx(225, abs=25)
    assert face["box"]["y"] + face["box"]["height"] / 2 == pytest.approx(118, abs=25)
    result = me.image(task)
    assert not result.getexif()
    assert result.size == (512, 512)


def test_large_photo_is_processed(me, built_in, astronaut):
    large = Image.new("RGB", (4000, 3000), (90, 120, 90))
    large.paste(astronaut.resize((1500, 1500)), (1200, 700))
    task = me.finished(jpeg(large), built_in["id"])
    assert (task["state"], task["width"], task["height"]) == ("TASK_STATE_DONE", 4000, 3000)
    assert len(task["faces"]) == 1


def test_png_keeps_alpha_and_pixels_outside_the_emoji(me, built_in, astronaut):
    image = astronaut.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 400, 512, 512))
    file = io.BytesIO()
    image.save(file, "PNG")
    task = me.finished(file.getvalue(), built_in["id"])
    result = me.image(task)
    assert (result.format, result.mode) == ("PNG", "RGBA")
    assert result.crop((0, 400, 512, 512)).getextrema()[3] == (0, 0)
    assert result.crop((400, 250, 512, 400)).tobytes() == image.crop((400, 250, 512, 400)).tobytes()


def test_photo_without_a_face(me, built_in):
    task = me.finished(jpeg(Image.linear_gradient("L").convert("RGB")), built_in["id"])
    assert (task["state"], task["faces"]) == ("TASK_STATE_DONE", [])


def test_truncated_photo_fails_with_its_reason(me, built_in, group_photo):
    task = me.finished(group_photo[: len(group_photo) // 2], built_in["id"])
    assert (task["state"], task["error"]["reason"]) == ("TASK_STATE_FAILED", "PHOTO_TRUNCATED")
    answer = me.get(f"/api/v1/faces/tasks/{task['task_id']}/image")
    assert answer.status_code == 400
    assert answer.json()["details"][0]["reason"] == "RESULT_NOT_READY"


@pytest.mark.parametrize(
    ("photo", "status", "reason"),
    [
        (b"", 400, "PHOTO_EMPTY"),
        (b"not a photo, whatever its name is", 400, "PHOTO_NOT_RECOGNIZED"),
        (b"\xff\xd8\xff\xe0" + bytes(16 * 2**20), 413, "PHOTO_TOO_LARGE"),
        (bytes(18 * 2**20), 413, "REQUEST_TOO_LARGE"),
    ],
    ids=["empty", "text named .jpg", "just over 16 MiB", "18 MiB"],
)
def test_invalid_uploads_are_refused_with_a_reason(me, built_in, photo, status, reason):
    answer = me.upload(photo, built_in["id"])
    body = answer.json()
    assert (answer.status_code, body["details"][0]["reason"]) == (status, reason)
    assert body["message"]


def test_photo_is_private(me, other_user, newcomer, built_in, astronaut):
    task = me.finished(jpeg(astronaut), built_in["id"])
    for path in (f"/api/v1/faces/tasks/{task['task_id']}", task["image_url"]):
        assert other_user.get(path).status_code == 404
        assert me.http.get(path).status_code == 401


def test_only_the_maker_can_delete_a_template(me, other_user, built_in):
    emoji_id = me.make_template("Not yours").json()["id"]
    path = f"/api/v1/emojis/{emoji_id}"
    assert me.http.delete(path, headers=other_user.headers).status_code == 403
    assert me.http.delete(path).status_code == 401
    assert me.http.delete(f"/api/v1/emojis/{built_in['id']}", headers=me.headers).status_code == 403
    assert me.http.get(path).json()["name"] == "Not yours"
    assert me.http.get("/api/v1/emojis/", params={"id": emoji_id}).json()["name"] == "Not yours"


def test_missing_pictures_are_named(me):
    answer = me.http.post("/api/v1/emojis", json={"name": "Half", "images": {"happy": ""}}, headers=me.headers)
    assert answer.status_code == 400
    fields = [violation["field"] for violation in answer.json()["details"][1]["field_violations"]]
    assert sorted(fields) == sorted(
        f"images.{name}" for name in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    )


def test_built_in_pictures_are_immutable(http, built_in):
    assert http.get("/api/v1/emojis/pages/1").json()["total"] >= 6
    for url in built_in["images"].values():
        answer = http.get(url)
        assert answer.headers["content-type"] == "image/png"
        assert "immutable" in answer.headers["cache-control"]
        assert Image.open(io.BytesIO(answer.content)).size == (512, 512)


def test_taken_email_and_alias_are_named(me):
    again = me.register()
    assert again.status_code == 409
    fields = {violation["field"] for violation in again.json()["details"][1]["field_violations"]}
    assert fields == {"email", "alias"}
    assert me.http.get("/api/v1/users", params={"case": "alias", "value": me.alias}).json() == {"available": False}


def test_wrong_password_and_unknown_account_have_the_same_answer(me, newcomer):
    wrong = me.http.post("/api/v1/users/auth", json={"email": me.email, "password": "something else"})
    unknown = me.http.post("/api/v1/users/auth", json={"email": "no@example.org", "password": "something else"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
