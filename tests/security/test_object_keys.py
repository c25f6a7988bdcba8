"""Path traversal: ids, keys and names that contain paths."""

import base64
import io
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from contract.actors import Actors
from contract.calls import RPCS, by_grpc, message

from igemoji_mesh.objects.folder import FolderObjectStore

from .attack_report import Attacks
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
"""Content of the files that the paths lead to."""

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
def test_path_traversal_in_ids_by_rest(url: str, actors: Actors, attacks: Attacks) -> None:
    for path in PATHS:
        for way, text in (("as it is", path), ("escaped", quote(path, safe="")), ("half", quote(path, safe="/"))):
            target = url.replace("{emoji}", actors.emoji).replace("{}", text)
            if "\x00" in target:
                continue
            with attacks.attempt(f"{path!r} {way}"):
                answer = actors.http.get(target, headers=actors.owner.headers)
                # A path that leads out is normalized, such as to the landing page.
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
def test_path_traversal_in_ids_by_grpc(name: str, actors: Actors, attacks: Attacks) -> None:
    rpc = RPCS[name]
    for path in PATHS:
        fields = {field: path if value is None else value for field, value in FIELDS[name].items()}
        with attacks.attempt(repr(path)):
            outcome = by_grpc(actors.channel, rpc, message(rpc, **fields), actors.owner.headers)
            assert outcome.status in (400, 404)


def test_path_traversal_in_names(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    """Templates, tags and uploads named like paths create only objects with keys of the services."""
    actor = actors.new_actor("owner")
    before = files(mesh.data)
    for path in PATHS[:8]:
        with attacks.attempt(f"a template called {path}"):
            draft = {"name": path[:50], "tags": [path[:20]], "base_id": actors.built_in_id, "visibility": "private"}
            assert actors.http.post("/api/v1/emojis", json=draft, headers=actor.headers).status_code in (201, 400)
        with attacks.attempt(f"a photo called {path}"):
            parts: Any = {"image": (path, actors.faceless_photo, "image/jpeg"), "emoji_id": (None, actors.built_in_id)}
            answer = actors.http.post("/api/v1/faces/tasks", files=parts, headers=actor.headers)
            assert answer.status_code in (202, 400, 429)
            if answer.status_code == 202:
                actors.finished(answer.json()["task_id"], actor)
                actors.http.delete(answer.headers["location"], headers=actor.headers)
    new = files(mesh.data) - before
    assert not [path for path in new if "passwd" in path.name or path.suffix == ".db"]
    assert all(path.is_relative_to(mesh.data) for path in new)
    with attacks.attempt("in the export"):
        archive = actors.http.get("/api/v1/users/me/export", headers=actor.headers).content
        names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
        assert len(names) > 2
        assert not [name for name in names if ".." in name or name.startswith("/") or "\\" in name]


def test_paths_are_not_read_as_pictures(actors: Actors, attacks: Attacks) -> None:
    for path in PATHS[:8]:
        encoded = base64.b64encode(path.encode()).decode()
        with attacks.attempt(path):
            draft = {"name": "Path", "base_id": actors.built_in_id, "images": {"happy": encoded}}
            assert actors.http.post("/api/v1/emojis", json=draft, headers=actors.owner.headers).status_code == 400


def test_object_store_refuses_unsafe_keys(tmp_path: Path, attacks: Attacks) -> None:
    """The last defense, if all others fail."""
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
            with attacks.attempt(f"{name} {path!r}"), pytest.raises(ValueError, match="not an object key"):
                use(path)
    assert (tmp_path / "outside").read_text() == "secret"
    attacks.survive()


def files(folder: Path) -> set[Path]:
    return {path.resolve() for path in folder.rglob("*") if path.is_file()}
