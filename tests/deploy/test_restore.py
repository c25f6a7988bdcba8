"""Back up a mesh under load, lose everything, restore it: users get the same bytes again."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import httpx
import pytest
from support.users import PEOPLE_PHOTO, client_with, finish, template_pictures

from igemoji_client import EXPRESSIONS, AsyncClient, Task
from igemoji_stack.backends.backend import CREDENTIALS
from igemoji_stack.backends.server import BackendMissing

from .conftest import tool
from .installation import Installation, Vault

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

ACCOUNT = {"email": "minji@example.org", "password": "a long enough one", "alias": "민지"}

ENCRYPTED, JPEG, PNG, GZIP = b"RCLONE\x00\x00", b"\xff\xd8\xff", b"\x89PNG", b"\x1f\x8b"
"""First bytes of files."""


class User:
    """A user of the mesh."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def log_in(self) -> None:
        answer = await self.http.post("/api/v1/users/auth", json=ACCOUNT)
        assert answer.status_code == 200, answer.text
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    async def make_template(self) -> str:
        async with self._client() as client:
            return (await client.templates.create("Mine", template_pictures())).id

    async def finished(self, emoji_id: str) -> str:
        """Upload a photo and return the path of its task when it is done."""
        async with self._client() as client:
            return f"/api/v1/faces/tasks/{(await finish(client, PEOPLE_PHOTO, emoji_id)).task_id}"

    async def until_done(self, path: str) -> Task:
        async with self._client() as client:
            return await client.tasks.wait(path.rpartition("/")[2])

    async def sees(self, paths: Iterable[str]) -> dict[str, tuple[int, str, bytes]]:
        """Return status, content type and bytes of each path."""
        answers = {path: await self.http.get(path) for path in paths}
        return {
            path: (answer.status_code, answer.headers["content-type"], answer.content)
            for path, answer in answers.items()
        }

    def _client(self) -> AsyncClient:
        return client_with(str(self.http.base_url), self.http.headers["authorization"].removeprefix("Bearer "))


@pytest.fixture
async def installations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Installation, Installation, Vault]]:
    """Return the installation before and after the loss, and the vault for backups."""
    tool("mariadb-dump")
    before, after, vault = Installation(tmp_path / "1"), Installation(tmp_path / "2"), Vault(tmp_path / "vault")
    for name in CREDENTIALS:  # an installation sets them; monkeypatch restores them
        monkeypatch.setenv(name, "")
    try:
        try:
            await vault.s3.start()
            await before.start_backends()
        except BackendMissing as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"{error} (make install-backends)")
        await before.mesh.start()
        yield before, after, vault
    finally:
        for installation in (before, after):
            if hasattr(installation, "mesh"):
                await installation.stop()
        await vault.s3.stop()


async def test_backup_and_restore(installations):
    before, after, vault = installations
    async with httpx.AsyncClient(base_url=before.mesh.url, timeout=60) as http:
        user = User(http)
        assert (await http.post("/api/v1/users", json=ACCOUNT)).status_code == 201
        await user.log_in()
        emoji = await user.make_template()
        kept, deleted_later = await user.finished(emoji), await user.finished(emoji)
        share = (await http.post(f"{kept}/share", json={})).json()
        everything = [
            *("/api/v1/users/me", "/api/v1/users/mypage/result", "/api/v1/users/mypage/upload"),
            *("/api/v1/faces/ranking", "/api/v1/emojis/pages/1", "/.well-known/jwks.json"),
            *(f"/api/v1/emojis/{emoji}", *(f"/api/v1/emojis/{emoji}/images/{name}" for name in EXPRESSIONS)),
            *(kept, f"{kept}/image", deleted_later, f"{deleted_later}/image"),
            *(share["url"], f"{share['url']}/image"),
        ]

        async with asyncio.timeout(60):
            while (await http.get(f"/api/v1/emojis/{emoji}")).json().get("uses") != 1:
                await asyncio.sleep(0.5)
        seen = await user.sees(everything)
        assert {status for status, _, _ in seen.values()} == {200}
        taken = await before.back_up(vault)

        assert (await http.delete(deleted_later)).status_code == 200
        made_later = await user.finished(emoji)
        assert await before.back_up(vault) > taken
        session = http.cookies
        headers = dict(http.headers)
    await before.lose()

    await after.start_backends()
    restored = await after.restore(vault, taken)
    assert restored.returncode == 0, restored.stderr
    await after.mesh.start()
    async with httpx.AsyncClient(base_url=after.mesh.url, timeout=60, headers=headers, cookies=session) as http:
        user = User(http)
        assert await user.sees(everything) == seen, "the old token must be valid"
        assert (await http.get(made_later)).status_code == 404
        assert (await after.check_objects()).returncode == 0, "an object is damaged or missing"
        page = {"X-Requested-With": "fetch"}
        assert (await http.post("/api/v1/users/auth/refresh", json={}, headers=page)).status_code == 200
        await user.log_in()
        # The original is there too, and new tasks are processed.
        assert (await http.patch(f"{kept}/faces/0", json={"covered": False})).status_code == 202
        assert not (await user.until_done(kept)).faces[0].covered
        assert (await http.get(f"{kept}/image")).content != seen[f"{kept}/image"][2]
        await user.finished(emoji)

    again = await after.restore(vault)
    assert again.returncode == 1
    assert again.stderr.endswith("igemoji_auth is not empty: nothing was restored.\n")
    stored = [path.read_bytes() for path in vault.s3.folder.rglob("*") if path.is_file()]
    assert sum(data.startswith(ENCRYPTED) for data in stored) >= 10
    assert not any(data.startswith((JPEG, PNG, GZIP)) for data in stored), "the backup is not encrypted"
