"""Objects changed on disk are reported and never served."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contract.actors import Actors
from contract.calls import outcome_of

from .attack_report import Attacks
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
    """Damage a file for a block."""
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
def result(actors: Actors, mesh: LiveMesh) -> tuple[str, Path]:
    """Return a finished task and the file of its result."""
    task_id = actors.new_task()
    (path,) = (mesh.data / "objects" / "inference" / "results").glob(f"{task_id}-*")
    return task_id, path


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_photo_is_not_served(
    damage: Callable[[bytes], bytes], result: tuple[str, Path], actors: Actors, mesh: LiveMesh, attacks: Attacks
) -> None:
    task_id, path = result
    me = actors.owner.headers
    link = actors.made(f"/api/v1/faces/tasks/{task_id}/share", {}, actors.owner)["token"]
    urls = {f"/api/v1/faces/tasks/{task_id}/image": me, f"/api/v1/shared/{link}/image": {}}
    with damaged(path, damage):
        for url, headers in urls.items():
            with attacks.attempt(f"{damage.__name__} {url}"):
                refusal = outcome_of(actors.http.get(url, headers=headers))
                assert (refusal.status, refusal.reason) == (500, "OBJECT_DAMAGED")
                assert path.name not in str(refusal.body)
    assert all(actors.http.get(url, headers=headers).content == path.read_bytes() for url, headers in urls.items())


def test_damaged_picture_is_not_served_or_copied(actors: Actors, mesh: LiveMesh, attacks: Attacks) -> None:
    url = actors.http.get(f"/api/v1/emojis/{actors.built_in_id}").json()["images"]["happy"]
    path = mesh.data / "objects" / "emoji-catalog" / "pictures" / f"{url.partition('?v=')[2]}.png"
    with damaged(path, flipped):
        with attacks.attempt("a picture"):
            refusal = outcome_of(actors.http.get(url))
            assert (refusal.status, refusal.reason) == (500, "OBJECT_DAMAGED")
        with attacks.attempt("a template based on it"):
            draft = {"name": "Damaged", "base_id": actors.built_in_id}
            made = actors.http.post("/api/v1/emojis", json=draft, headers=actors.owner.headers)
            assert outcome_of(made).reason == "OBJECT_DAMAGED"


def test_check_objects_finds_damaged_missing_and_orphaned_objects(
    result: tuple[str, Path], actors: Actors, mesh: LiveMesh, attacks: Attacks
) -> None:
    task_id, path = result
    code, output = check_objects(mesh)
    assert (code, output.count(" 0 damaged, 0 missing")) == (0, 2), output
    with attacks.attempt("a damaged result"), damaged(path, flipped):
        code, output = check_objects(mesh)
        assert code == 1
        assert f"damaged  results/{path.name}  of task {task_id}\n" in output
    hidden = path.with_name(".hidden")
    with attacks.attempt("a missing result"):
        path.rename(hidden)
        try:
            code, output = check_objects(mesh)
        finally:
            hidden.rename(path)
        assert code == 1
        assert f"missing  results/{path.name}  of task {task_id}\n" in output
    orphan = mesh.data / "objects" / "inference" / "photos" / "00000000-0000-7000-8000-000000000000"
    with attacks.attempt("an orphan"):
        orphan.write_bytes(b"x")
        code, output = check_objects(mesh)
        orphan.unlink()
        assert f"orphan   photos/{orphan.name}\n" in output
        assert code == 0, "orphans are no error"
