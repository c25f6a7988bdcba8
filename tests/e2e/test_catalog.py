"""Templates by REST through the gateway."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from PIL import Image
from support.users import ASSETS

from igemoji_client import EXPRESSIONS
from igemoji_mesh.ids import new_id

EMOJIS = "/api/v1/emojis"


def encoded(color: str = "red", kind: str = "PNG") -> str:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


SEVEN = dict.fromkeys(EXPRESSIONS, encoded())


def reason(answer: httpx.Response) -> str:
    return str(next(detail["reason"] for detail in answer.json()["details"] if "reason" in detail))


def fields(answer: httpx.Response) -> list[str]:
    return [each["field"] for detail in answer.json()["details"] for each in detail.get("field_violations", [])]


def make(by, name: str = "Faces", **more: Any) -> dict[str, Any]:
    template = {"name": name, "images": SEVEN, "keep_background": True} | more
    answer = by.http.post(EMOJIS, json=template, headers=by.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def names(by, **wanted: Any) -> list[str]:
    """Return the names on all pages, by page token."""
    found: list[str] = []
    token = ""
    while True:
        page = by.get(f"{EMOJIS}/pages/1", params={**wanted, "page_token": token}).json()
        found += [emoji["name"] for emoji in page["emojis"]]
        token = page["next_page_token"]
        if not token:
            assert (page["total"], page["total_is_exact"]) == (len(found), True)
            return found


@pytest.fixture
def word() -> str:
    """Return a word that no other test uses."""
    return "w" + new_id().replace("-", "")[-11:]


def test_outdated_edit_is_refused_by_header_and_by_field(me):
    emoji = make(me)
    path = f"{EMOJIS}/{emoji['id']}"
    read = me.get(path)
    assert read.headers["etag"].removeprefix("W/") == f'"{emoji["etag"]}"'
    first = me.http.patch(path, json={"name": "First"}, headers=me.headers | {"If-Match": read.headers["etag"]})
    assert (first.status_code, first.json()["name"]) == (200, "First")
    assert first.json()["etag"] in first.headers["etag"]
    assert first.json()["etag"] != emoji["etag"]
    late = me.http.patch(path, json={"name": "Late"}, headers=me.headers | {"If-Match": read.headers["etag"]})
    assert (late.status_code, reason(late)) == (409, "EDIT_CONFLICT")
    late = me.http.patch(path, json={"name": "Late", "etag": emoji["etag"]}, headers=me.headers)
    assert (late.status_code, reason(late)) == (409, "EDIT_CONFLICT")
    assert me.get(path).json()["name"] == "First"
    anyhow = me.http.patch(path, json={"name": "Anyhow"}, headers=me.headers | {"If-Match": "*"})
    assert anyhow.status_code == 200


def test_one_of_eight_concurrent_edits_succeeds(me):
    emoji = make(me)
    headers = me.headers | {"If-Match": f'"{emoji["etag"]}"'}

    def edit(number: int) -> int:
        path = f"{EMOJIS}/{emoji['id']}"
        return int(me.http.patch(path, json={"name": f"Edit {number}"}, headers=headers).status_code)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(edit, range(8))) == [200] + [409] * 7


def test_edit_replaces_picture_and_tags_only(me):
    emoji = make(me, tags=["Pets", "Ｐets", "고양이"])
    assert emoji["tags"] == ["pets", "고양이"]
    path = f"{EMOJIS}/{emoji['id']}"
    changed = me.http.patch(path, json={"images": {"happy": encoded("blue")}}, headers=me.headers).json()
    assert {key for key in EXPRESSIONS if changed["images"][key] != emoji["images"][key]} == {"happy"}
    assert (changed["name"], changed["tags"]) == ("Faces", ["pets", "고양이"])
    assert me.get(emoji["images"]["happy"]).status_code == 404, "the old picture is still there"
    bare = me.http.patch(path, json={"tags": [], "update_mask": "tags"}, headers=me.headers)
    assert (bare.status_code, bare.json()["tags"]) == (200, [])
    bad = me.http.patch(path, json={"images": {"sad": base64.b64encode(b"no picture").decode()}}, headers=me.headers)
    assert (bad.status_code, fields(bad)) == (400, ["images.sad"])


def test_template_based_on_a_visible_template(me, other_user, built_in):
    made = me.http.post(
        EMOJIS, json={"name": "Mine", "base_id": built_in["id"], "images": {"sad": SEVEN["sad"]}}, headers=me.headers
    ).json()
    own = {key: made["images"][key].partition("v=")[2] for key in EXPRESSIONS}
    base = {key: built_in["images"][key].partition("v=")[2] for key in EXPRESSIONS}
    assert {key for key in EXPRESSIONS if own[key] != base[key]} == {"sad"}
    secret = make(other_user, visibility="private")
    refused = me.http.post(EMOJIS, json={"name": "Theirs", "base_id": secret["id"]}, headers=me.headers)
    assert (refused.status_code, reason(refused)) == (404, "EMOJI_NOT_FOUND")
    unbased = me.http.post(EMOJIS, json={"name": "Half", "images": {"happy": SEVEN["happy"]}}, headers=me.headers)
    assert unbased.status_code == 400
    assert sorted(fields(unbased)) == sorted(f"images.{key}" for key in EXPRESSIONS if key != "happy")


def test_preview_equals_the_stored_picture(me, anonymous):
    given = {"image": encoded("red", "JPEG"), "keep_background": True}
    preview = me.http.post(f"{EMOJIS}/preview", json=given, headers=me.headers)
    assert (preview.status_code, preview.headers["content-type"]) == (200, "image/png")
    emoji = make(me, images=dict.fromkeys(EXPRESSIONS, given["image"]))
    assert me.get(emoji["images"]["happy"]).content == preview.content
    with Image.open(io.BytesIO(preview.content)) as image:
        assert (image.size, image.mode, image.getchannel("A").getpixel((256, 5))) == ((512, 512), "RGBA", 0)
    drawn = Image.new("RGB", (60, 60), "white")
    drawn.paste((0, 90, 200), (20, 20, 40, 40))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    plain = {"image": base64.b64encode(out.getvalue()).decode()}
    for keep, alpha in ((False, 0), (True, 255)):
        answer = me.http.post(f"{EMOJIS}/preview", json=plain | {"keep_background": keep}, headers=me.headers)
        assert Image.open(io.BytesIO(answer.content)).getchannel("A").getpixel((40, 40)) == alpha
    assert me.http.post(f"{EMOJIS}/preview", json=given).status_code == 401
    bad = me.http.post(f"{EMOJIS}/preview", json={"image": "bm90aGluZw=="}, headers=me.headers)
    assert (bad.status_code, fields(bad)) == (400, ["image"])


def test_visibility_of_templates(me, other_user, anonymous, word):
    made = {kind: make(me, f"{word} {kind}", visibility=kind) for kind in ("public", "unlisted", "private")}
    for who, listed, known in (
        (anonymous, ["public"], ["public", "unlisted"]),
        (other_user, ["public"], ["public", "unlisted"]),
        (me, ["public"], ["public", "unlisted", "private"]),
    ):
        assert names(who, q=word) == [f"{word} {kind}" for kind in listed]
        for kind, emoji in made.items():
            expected = 200 if kind in known else 404
            assert who.get(f"{EMOJIS}/{emoji['id']}").status_code == expected
            picture = who.get(emoji["images"]["sad"])
            assert picture.status_code == expected
            if expected == 200:
                assert ("immutable" in picture.headers["cache-control"]) == (kind == "public")
    assert len(names(me, owner_id=me.get("/api/v1/users/me").json()["id"])) == 3
    assert len(names(other_user, owner_id=made["public"]["owner"]["id"])) == 1


def test_favorites_are_counted_and_listed_by_user(me, other_user, anonymous, word):
    made = [make(me, f"{word} {number}") for number in range(3)]
    for number in (2, 0, 0):
        marked = other_user.http.put(f"{EMOJIS}/{made[number]['id']}/favorite", headers=other_user.headers)
        assert marked.status_code == 200
    assert names(other_user, favorites_only="true") == [f"{word} 0", f"{word} 2"]
    assert names(me, favorites_only="true") == []
    seen = other_user.get(f"{EMOJIS}/{made[0]['id']}").json()
    assert (seen["favorites"], seen["is_favorite"]) == (1, True)
    assert not me.get(f"{EMOJIS}/{made[0]['id']}").json()["is_favorite"]
    assert names(anonymous, q=word, sort="favorites") == [f"{word} {number}" for number in (2, 0, 1)]
    other_user.http.delete(f"{EMOJIS}/{made[2]['id']}/favorite", headers=other_user.headers)
    assert names(other_user, favorites_only="true") == [f"{word} 0"]
    unknown = anonymous.get(f"{EMOJIS}/pages/1", params={"favorites_only": "true"})
    assert (unknown.status_code, reason(unknown)) == (401, "TOKEN_MISSING")
    assert anonymous.http.put(f"{EMOJIS}/{made[0]['id']}/favorite").status_code == 401


def test_search_by_name_tag_and_maker_in_korean_and_english(me, anonymous, word):
    make(me, f"고양이 친구 {word}", tags=["동물"])
    make(me, f"Tiny Foxes {word}", tags=["animal"])
    assert names(anonymous, q=f"고양이 {word}") == names(anonymous, q=f"양이 친구 {word}") == [f"고양이 친구 {word}"]
    assert names(anonymous, q=f"FOX {word}") == [f"Tiny Foxes {word}"]
    assert names(anonymous, q=f"동물 {word}") == names(anonymous, q=word, tag="동물") == [f"고양이 친구 {word}"]
    assert len(names(anonymous, q=me.alias)) == 2
    assert names(anonymous, q=f"고양이 foxes {word}") == []


def test_pages_by_number_and_by_token_agree(me, anonymous, word):
    for number in range(18):
        make(me, f"{word} {number:02}")
    newest_first = [f"{word} {number:02}" for number in reversed(range(18))]
    assert names(anonymous, q=word) == newest_first
    by_number = [anonymous.get(f"{EMOJIS}/pages/{number}", params={"q": word}).json() for number in (1, 2, 3, 4)]
    assert [len(page["emojis"]) for page in by_number] == [8, 8, 2, 0]
    assert [emoji["name"] for page in by_number for emoji in page["emojis"]] == newest_first
    assert {page["total"] for page in by_number} == {18}
    token = by_number[0]["next_page_token"]
    other = anonymous.get(f"{EMOJIS}/pages/1", params={"q": word, "sort": "popular", "page_token": token})
    assert (other.status_code, reason(other)) == (400, "INVALID_PAGE_TOKEN")
    assert anonymous.get(f"{EMOJIS}/pages/0").status_code == anonymous.get(f"{EMOJIS}/pages/x").status_code == 400


def test_operators_hide_and_restore_a_reported_template(me, other_user, anonymous, operator, word, eventually):
    emoji = make(me, f"{word} rude")
    path = f"{EMOJIS}/{emoji['id']}"
    report = {"reason": "offensive", "comment": "Look."}
    assert anonymous.http.post(f"{path}/report", json=report).status_code == 401
    for _ in range(2):
        assert other_user.http.post(f"{path}/report", json=report, headers=other_user.headers).status_code == 200
    assert other_user.get("/api/v1/moderation/reports").status_code == 403
    reported = operator.get("/api/v1/moderation/reports").json()["reported"]
    (case,) = [case for case in reported if case["emoji"]["id"] == emoji["id"]]
    assert (case["total"], case["reports"][0]["reason"], case["reports"][0]["comment"]) == (1, "offensive", "Look.")

    def decide(decision: str, by) -> int:
        decided = by.http.post(
            f"/api/v1/moderation/emojis/{emoji['id']}", json={"decision": decision}, headers=by.headers
        )
        return int(decided.status_code)

    assert decide("hide", me) == 403
    assert decide("hide", operator) == 200
    assert names(anonymous, q=word) == []
    assert [who.get(path).status_code for who in (anonymous, other_user, me, operator)] == [404, 404, 200, 200]
    assert me.get(path).json()["hidden"]
    assert decide("restore", operator) == 200
    assert names(anonymous, q=word) == [f"{word} rude"]
    assert decide("delete", operator) == 200
    assert me.get(path).status_code == 404
    assert decide("hide", operator) == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"tags": ["x" * 21]}, "tags"),
        ({"tags": [str(number) for number in range(11)]}, "tags"),
        ({"visibility": "secret"}, "visibility"),
        ({"base_id": "not an id"}, "base_id"),
    ],
)
def test_values_beyond_limits_name_their_field(me, given, field):
    answer = me.http.post(EMOJIS, json={"name": "Faces", "images": SEVEN} | given, headers=me.headers)
    assert answer.status_code == 400
    assert [name.partition("[")[0] for name in fields(answer)] == [field]


def test_values_at_their_limits_are_accepted(me):
    emoji = make(me, "고" * 50, tags=[f"{number:02}" + "x" * 18 for number in range(10)])
    assert (len(emoji["name"]), len(emoji["tags"])) == (50, 10)


def test_built_in_templates_have_pictures(built_in, anonymous):
    assert (ASSETS / "templates").is_dir()
    assert built_in["owner"]["alias"] == "igemoji"
    assert all(anonymous.get(url).status_code == 200 for url in built_in["images"].values())
