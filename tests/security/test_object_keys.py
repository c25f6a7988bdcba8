"""Paths for ids: what names an object, a task or a page leads nowhere else in the store or on the machine."""

import base64
import io
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from contract.actors import World
from contract.calls import RPCS, by_grpc, message

from igemoji_mesh.objects.folder import FolderObjectStore

from .attack_report import Tally
from .live import LiveMesh

PATHS = (
    "../../auth.db",
    "../../../../../../etc/passwd",
    "/etc/passwd",
    "....//....//etc/passwd",
    "..\\..\\auth.db",
    "..%2f..%2fauth.db",
    "..%252f..%252fauth.db",
    "%2e%2e/%2e%2e/auth.db",
    "..%c0%af..%c0%afauth.db",
    "..;/..;/auth.db",
    "C:\\auth.db",
    "file:///etc/passwd",
    "auth.db\x00.png",
    ".",
    "..",
    "~/.ssh/id_rsa",
    "certificates/ca.key",
)

CONTENT = (b"root:x:", b"SQLite format 3", b"PRIVATE KEY")
"""What would be found in the files that are asked for."""

URLS = (
    "/api/v1/emojis/{}",
    "/api/v1/emojis/{}/images/happy",
    "/api/v1/emojis/{emoji}/images/{}",
    "/api/v1/emojis/{emoji}/images/happy?v={}",
    "/api/v1/faces/tasks/{}",
    "/api/v1/faces/tasks/{}/image",
    "/api/v1/shared/{}",
    "/api/v1/shared/{}/image",
    "/api/v1/users/mypage/{}",
    "/api/v1/users/deletions/{}",
    "/api/docs/{}",
    "/{}",
)


@pytest.mark.parametrize("url", URLS)
def test_path_traversal_in_ids_by_rest(url: str, world: World, tally: Tally) -> None:
    for path in PATHS:
        for way, text in (("as it is", path), ("escaped", quote(path, safe="")), ("half", quote(path, safe="/"))):
            target = url.replace("{emoji}", world.emoji).replace("{}", text)
            if "\x00" in target:
                continue
            with tally.attempt(f"{path!r} {way}"):
                answer = world.http.get(target, headers=world.owner.headers)
                # A path that leads out is another path when it arrives, such as that of the landing page.
                assert answer.status_code in (200, 400, 401, 404), answer.text
                assert not [found for found in CONTENT if found in answer.content]


FIELDS: dict[str, dict[str, Any]] = {
    "emoji_catalog.GetEmoji": {"id": None},
    "emoji_catalog.GetEmojiImage": {"id": None, "expression": "happy"},
    "emoji_catalog.CreateEmoji": {"base_id": None, "name": "Path"},
    "inference.GetTask": {"task_id": None},
    "inference.WatchTask": {"task_id": None},
    "inference.GetResultImage": {"task_id": None},
    "inference.DeleteTask": {"task_id": None},
    "inference.GetShared": {"token": None},
    "inference.GetSharedImage": {"token": None},
    "auth.GetDeletion": {"id": None},
}


@pytest.mark.parametrize("name", FIELDS)
def test_path_traversal_in_ids_by_grpc(name: str, world: World, tally: Tally) -> None:
    rpc = RPCS[name]
    for path in PATHS:
        fields = {field: path if value is None else value for field, value in FIELDS[name].items()}
        with tally.attempt(repr(path)):
            outcome = by_grpc(world.channel, rpc, message(rpc, **fields), world.owner.headers)
            assert outcome.status in (400, 404)


def test_path_traversal_in_names(mesh: LiveMesh, world: World, tally: Tally) -> None:
    """A template, a tag and an upload called like a path: nothing is written but objects, under keys of ours."""
    person = world.new_person("owner")
    before = files(mesh.data)
    for path in PATHS[:8]:
        with tally.attempt(f"a template called {path}"):
            draft = {"name": path[:50], "tags": [path[:20]], "base_id": world.built_in_id, "visibility": "private"}
            assert world.http.post("/api/v1/emojis", json=draft, headers=person.headers).status_code in (201, 400)
        with tally.attempt(f"a photo called {path}"):
            parts: Any = {"image": (path, world.faceless_photo, "image/jpeg"), "emoji_id": (None, world.built_in_id)}
            answer = world.http.post("/api/v1/faces/tasks", files=parts, headers=person.headers)
            assert answer.status_code in (202, 400, 429)
            if answer.status_code == 202:
                world.finished(answer.json()["task_id"], person)
                world.http.delete(answer.headers["location"], headers=person.headers)
    new = files(mesh.data) - before
    assert not [path for path in new if "passwd" in path.name or path.suffix == ".db"]
    assert all(path.is_relative_to(mesh.data) for path in new)
    with tally.attempt("in the archive of what is theirs"):
        archive = world.http.get("/api/v1/users/me/export", headers=person.headers).content
        names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
        assert len(names) > 2
        assert not [name for name in names if ".." in name or name.startswith("/") or "\\" in name]


def test_paths_are_not_read_as_pictures(world: World, tally: Tally) -> None:
    for path in PATHS[:8]:
        encoded = base64.b64encode(path.encode()).decode()
        with tally.attempt(path):
            draft = {"name": "Path", "base_id": world.built_in_id, "images": {"happy": encoded}}
            assert world.http.post("/api/v1/emojis", json=draft, headers=world.owner.headers).status_code == 400


def test_object_store_refuses_unsafe_keys(tmp_path: Path, tally: Tally) -> None:
    """Whoever comes by a way past all others."""
    (tmp_path / "outside").write_text("secret")
    store = FolderObjectStore(tmp_path / "store")
    for path in (*PATHS, "../outside", "a/../../outside", "a//b", "a/./b", ".hidden", "a/.hidden", "", "a\n", "a/"):
        for name, use in (
            ("get", store.get),
            ("stream", store.stream),
            ("exists", store.exists),
            ("delete", store.delete),
            ("put", lambda key: store.put(key, b"x", "")),
        ):
            if path in ("certificates/ca.key",):  # an ordinary key
                continue
            with tally.attempt(f"{name} {path!r}"), pytest.raises(ValueError, match="not an object key"):
                use(path)
    assert (tmp_path / "outside").read_text() == "secret"
    tally.survive()


def files(folder: Path) -> set[Path]:
    return {path.resolve() for path in folder.rglob("*") if path.is_file()}
