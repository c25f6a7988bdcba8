"""What a disk or somebody who writes to it has changed: it is told, and never given out as somebody's photo."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contract.actors import World
from contract.calls import outcome_of

from .attack_report import Tally
from .live import LiveMesh

IGEMOJI = str(Path(sys.executable).with_name("igemoji"))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def emptied(_data: bytes) -> bytes:
    return b""


def replaced(_data: bytes) -> bytes:
    return b"<script>alert(1)</script>"


DAMAGES: tuple[Callable[[bytes], bytes], ...] = (flipped, cut, emptied, replaced)


@contextmanager
def damaged(path: Path, damage: Callable[[bytes], bytes]) -> Iterator[None]:
    """For a block; then it is as it was."""
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    try:
        yield
    finally:
        path.write_bytes(whole)


def check_objects(mesh: LiveMesh) -> tuple[int, str]:
    command = [IGEMOJI, "admin", "check-objects", "--data", str(mesh.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def result(world: World, mesh: LiveMesh) -> tuple[str, Path]:
    """A finished photo, and its file."""
    task_id = world.new_task()
    (path,) = (mesh.data / "objects" / "inference" / "results").glob(f"{task_id}-*")
    return task_id, path


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_photo_is_not_served(
    damage: Callable[[bytes], bytes], result: tuple[str, Path], world: World, mesh: LiveMesh, tally: Tally
) -> None:
    task_id, path = result
    me = world.owner.headers
    link = world.made(f"/api/v1/faces/tasks/{task_id}/share", {}, world.owner)["token"]
    urls = {f"/api/v1/faces/tasks/{task_id}/image": me, f"/api/v1/shared/{link}/image": {}}
    with damaged(path, damage):
        for url, headers in urls.items():
            with tally.attempt(f"{damage.__name__} {url}"):
                told = outcome_of(world.http.get(url, headers=headers))
                assert (told.status, told.reason) == (500, "OBJECT_DAMAGED")
                assert path.name not in str(told.body)
    assert all(world.http.get(url, headers=headers).content == path.read_bytes() for url, headers in urls.items())


def test_damaged_picture_is_not_served_or_copied(world: World, mesh: LiveMesh, tally: Tally) -> None:
    url = world.http.get(f"/api/v1/emojis/{world.built_in_id}").json()["images"]["happy"]
    path = mesh.data / "objects" / "emoji-catalog" / "pictures" / f"{url.partition('?v=')[2]}.png"
    with damaged(path, flipped):
        with tally.attempt("a picture"):
            told = outcome_of(world.http.get(url))
            assert (told.status, told.reason) == (500, "OBJECT_DAMAGED")
        with tally.attempt("a template made on it"):
            draft = {"name": "Damaged", "base_id": world.built_in_id}
            made = world.http.post("/api/v1/emojis", json=draft, headers=world.owner.headers)
            assert outcome_of(made).reason == "OBJECT_DAMAGED"


def test_check_objects_finds_damaged_missing_and_orphaned_objects(
    result: tuple[str, Path], world: World, mesh: LiveMesh, tally: Tally
) -> None:
    task_id, path = result
    code, said = check_objects(mesh)
    assert (code, said.count(" 0 damaged, 0 missing")) == (0, 2), said
    with tally.attempt("a damaged result"), damaged(path, flipped):
        code, said = check_objects(mesh)
        assert code == 1
        assert f"damaged  results/{path.name}  of task {task_id}\n" in said
    hidden = path.with_name(".hidden")
    with tally.attempt("a missing result"):
        path.rename(hidden)
        try:
            code, said = check_objects(mesh)
        finally:
            hidden.rename(path)
        assert code == 1
        assert f"missing  results/{path.name}  of task {task_id}\n" in said
    nobodys = mesh.data / "objects" / "inference" / "photos" / "00000000-0000-7000-8000-000000000000"
    with tally.attempt("a photo of nobody"):
        nobodys.write_bytes(b"x")
        code, said = check_objects(mesh)
        nobodys.unlink()
        assert f"orphan   photos/{nobodys.name}\n" in said
        assert code == 0, "nobody lost it"
