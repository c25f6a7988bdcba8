"""nginx with the web client's files, as `igemoji up` runs it."""

import asyncio
from pathlib import Path

import httpx

from igemoji_mesh.ports import HOST, free_ports
from igemoji_stack import website


async def test_files_in_a_folder_that_nobody_else_may_read_are_served(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    files = private / "dist"
    files.mkdir()
    (files / "index.html").write_text("<title>here</title>")
    (port,) = free_ports(1)
    command = website.command(files, private / "run", port)
    process = await asyncio.create_subprocess_exec(*command.arguments)
    try:
        async with asyncio.timeout(20):
            while not await command.ready():
                await asyncio.sleep(0.05)
        async with httpx.AsyncClient() as client:
            assert "here" in (await client.get(f"http://{HOST}:{port}/")).text
    finally:
        process.terminate()
        await process.wait()
