"""nginx with the web client's files, as `igemoji up` runs it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.mesh import website


@contextlib.asynccontextmanager
async def served(files: Path, folder: Path, objects: str = "") -> AsyncIterator[httpx.AsyncClient]:
    (port,) = free_ports(1)
    command = website.command(files, folder, port, objects)
    process = await asyncio.create_subprocess_exec(*command.arguments)
    try:
        async with asyncio.timeout(20):
            while not await command.ready():
                await asyncio.sleep(0.05)
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as client:
            yield client
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    files = tmp_path / "dist"
    files.mkdir()
    (files / "index.html").write_text("<title>here</title>")
    return files


async def test_private_data_folder_can_be_served(tmp_path: Path, files: Path) -> None:
    await asyncio.to_thread(tmp_path.chmod, 0o700)
    async with served(files, tmp_path / "run") as client:
        assert "here" in (await client.get("/")).text


@pytest.mark.parametrize(
    ("objects", "from_elsewhere"),
    [
        ("", ""),
        ("s3://bucket?endpoint=http://10.0.0.1:9000", ""),
        ("s3://bucket?endpoint=http://10.0.0.1:9000&public_endpoint=https://s3.example.org", " https://s3.example.org"),
        ("s3://bucket?public_endpoint=http://127.0.0.1:9000/", " http://127.0.0.1:9000"),
        ("s3://bucket?public_endpoint=https://a%22;%20evil", ""),
    ],
)
async def test_policy_allows_only_the_public_object_store(
    tmp_path: Path, files: Path, objects: str, from_elsewhere: str
) -> None:
    async with served(files, tmp_path / "run", objects) as client:
        policy = (await client.get("/")).headers["content-security-policy"]
    rules = {rule.split()[0]: " ".join(rule.split()[1:]) for rule in policy.split(";")}
    assert rules["img-src"] == f"'self' blob: data:{from_elsewhere}"
    assert rules["connect-src"] == f"'self'{from_elsewhere}"
    assert rules["script-src"] == "'self'"
