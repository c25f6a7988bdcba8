"""A data folder on its own small disk, which is full or read-only."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.users import ASSETS

from .conftest import signing_key
from .invariants import FolderData, check_objects, check_ranking, settled
from .load_users import make_users

IGEMOJI = str(Path(sys.executable).parent / "igemoji")
DISK_MIB = 48
FILLER = "filler"

NAMESPACES = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])
"""Commands that give a process its own mounts: as root, and as other users if the kernel allows it."""

PREPARE = f'set -e; mount -t tmpfs -o size={DISK_MIB}m tmpfs "$0"; cp -r "$1/." "$0"; shift; '
"""Mount a small disk at the data folder, with the data of a first start."""


QUERY = """
import contextlib, json, sqlite3, sys
with contextlib.closing(sqlite3.connect(f"file:{sys.argv[1]}/{sys.argv[2]}.db?mode=ro", uri=True)) as database:
    print(json.dumps(database.execute(sys.argv[3]).fetchall()))
"""


@pytest.fixture(scope="session")
def namespace(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    folder = tmp_path_factory.mktemp("probe")
    for command in NAMESPACES:
        if subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True).returncode == 0:
            return command
    reason = "processes can't have their own mounts here: run as root, or allow unprivileged user namespaces"
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def up(data: Path) -> list[str]:
    return [IGEMOJI, "up", "--json", "--port", "0", "--workers", "1", "--data", str(data), "--assets", str(ASSETS)]


class Disk(FolderData):
    """The small disk, read from outside its namespace."""

    def __init__(self, namespace: Sequence[str], pid: int, data: Path) -> None:
        self.root = Path(f"/proc/{pid}/root{data}")
        super().__init__(self.root)
        user = ["--user", "--preserve-credentials"] if "--user" in namespace else []
        self._inside = ["nsenter", "--target", str(pid), *user, "--mount", sys.executable, "-c", QUERY, str(data)]

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Query inside the namespace: SQLite resolves links in a path and would leave it."""
        printed = subprocess.run([*self._inside, service, query], check=True, capture_output=True, text=True).stdout
        return [tuple(row) for row in json.loads(printed)]

    def fill(self) -> None:
        """Fill the disk to the last byte."""
        with (self.root / FILLER).open("ab", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        (self.root / FILLER).unlink()


@asynccontextmanager
async def running(namespace: Sequence[str], data: Path, first_start: Path) -> AsyncIterator[tuple[str, Disk]]:
    """Run `igemoji up` on a small disk; yield the address and the disk."""
    command = [*namespace, "sh", "-c", PREPARE + 'exec "$@"', str(data), str(first_start), *up(data)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            if found := re.search(rb"ready: (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail("the mesh did not become ready")
        drain = asyncio.create_task(process.stdout.read())
        yield found[1].decode(), Disk(namespace, process.pid, data)
    finally:
        process.terminate()
        await process.wait()
    events = [json.loads(line) for line in (await drain).splitlines()]
    unexpected = [event for event in events if event.get("level") in ("error", "critical")]
    assert unexpected == []
    assert [event for event in events if "starting it again" in event["event"]] == []


def refused(namespace: Sequence[str], data: Path, first_start: Path, harm: str) -> str:
    """Return the sentence with which `igemoji up` fails on a damaged disk."""
    command = [*namespace, "sh", "-c", PREPARE + f'{harm}; exec "$@"', str(data), str(first_start), *up(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    sentence = done.stderr.strip()
    assert len(sentence.splitlines()) == 1, sentence
    return sentence


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["details"][0]["reason"]


async def test_full_disk_refuses_uploads_and_recovers(namespace, data, first_start):
    user, other = make_users(signing_key(first_start))[:2]
    async with (
        running(namespace, data, first_start) as (url, disk),
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        ((emoji_id,),) = disk.rows("emoji-catalog", "SELECT id FROM emojis LIMIT 1")

        async def upload(by) -> httpx.Response:
            path = "/api/v1/faces/tasks"
            return await http.post(path, params={"emoji_id": emoji_id}, content=by.photo, headers=by.headers)

        async def image(task_id: str) -> httpx.Response:
            return await http.get(f"/api/v1/faces/tasks/{task_id}/image", headers=user.headers)

        earlier = (await upload(user)).json()["task_id"]
        await settled(disk)
        result = await image(earlier)
        accepted = [(await upload(user)).json()["task_id"] for _ in range(4)]
        disk.fill()

        account = {"email": "a@example.org", "password": "a long enough one", "alias": "someone"}
        for answer in (await upload(other), await http.post("/api/v1/users", json=account)):
            assert reason(answer) == (503, "STORAGE_FULL"), answer.text
            assert "Storage is full" in answer.json()["message"]
            assert int(answer.headers["retry-after"]) > 0
        assert (await image(earlier)).content == result.content
        assert (await http.get("/api/v1/users/mypage/result", headers=user.headers)).status_code == 200
        await asyncio.sleep(3)
        assert reason(await upload(other)) == (503, "STORAGE_FULL")

        disk.empty()
        accepted.append((await upload(other)).json()["task_id"])
        await settled(disk)
        ended = disk.rows("inference", "SELECT id, state, failure_reason FROM tasks")
        assert sorted(ended) == sorted((task_id, "DONE", "") for task_id in [earlier, *accepted])
        check_objects(disk)
        check_ranking(disk)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ('mount -o remount,ro "$0"', "can't be written: Read-only file system."),
        (f'dd if=/dev/zero of="$0/{FILLER}" bs=4k 2>/dev/null || true', "can't be written: No space left on device."),
    ],
    ids=["read-only", "full"],
)
def test_unwritable_disk_is_one_sentence(namespace, data, first_start, harm, sentence):
    refusal = refused(namespace, data, first_start, harm)
    assert str(data) in refusal
    assert refusal.endswith(sentence)
