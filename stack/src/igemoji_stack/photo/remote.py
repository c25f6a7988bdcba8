"""Photo commands on a server (`igemoji --server URL …`)."""

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

import igemoji_client as api
from igemoji_client import AsyncClient, IgemojiError
from igemoji_stack.photo import templates
from igemoji_stack.photo.errors import CannotWork, Failure
from igemoji_stack.photo.files import Job
from igemoji_stack.photo.journal import Journals
from igemoji_stack.photo.results import Result
from igemoji_stack.photo.run import Options, Report, cover

AT_A_TIME = 4
"""Photos at a time: a user may have five open tasks."""
SHOWN = 50
CANCEL_SECONDS = 3.0


@dataclass(frozen=True)
class Server:
    """A server, and the user to log in as."""

    url: str
    ca_file: Path | None = None
    email: str = ""
    """Empty: a guest."""
    password: str = ""


def chosen(context: typer.Context) -> Server | None:
    """Return the server of `--server` with its password, if any; None without `--server`. Raises CannotWork."""
    server = context.obj
    if not isinstance(server, Server):
        return None
    if not server.email or server.password:
        return server
    if not sys.stdin.isatty():
        raise CannotWork(f"There is no terminal to ask for a password: set IGEMOJI_PASSWORD for {server.email}.")
    password = typer.prompt(f"Password of {server.email}", hide_input=True, err=True)
    return Server(server.url, server.ca_file, server.email, password)


@asynccontextmanager
async def logged_in(server: Server) -> AsyncIterator[AsyncClient]:
    """Yield a client that is logged in as the user, or as a guest who is deleted after the block. Raises CannotWork."""
    try:
        client = AsyncClient(server.url, ca_file=server.ca_file)
    except OSError as error:
        raise CannotWork(f"{server.ca_file} can't be used as a certificate: {error.strerror}.") from None
    async with client:
        try:
            if server.email:
                await client.accounts.log_in(server.email, server.password)
            else:
                await client.accounts.start_guest()
        except IgemojiError as error:
            raise CannotWork(_explain(server, error)) from None
        try:
            yield client
        except IgemojiError as error:
            raise CannotWork(_explain(server, error)) from None
        finally:
            with contextlib.suppress(IgemojiError):
                await (client.accounts.log_out() if server.email else client.accounts.delete())


async def cover_there(
    server: Server, emoji: str, jobs: Sequence[Job], journals: Journals, report: Report, *, workers: int, force: bool
) -> None:
    """Cover photos like `run.cover`, on the server. Raises CannotWork."""
    async with logged_in(server) as client, _template(client, emoji) as (template_id, version):
        options = Options(
            lambda: RemoteWorker(client, server, template_id),
            min(workers or AT_A_TIME, AT_A_TIME + 1),
            f"{server.url}/{version}",
            force,
        )
        await cover(jobs, options, journals, report)


async def emojis_there(server: Server, query: str) -> list[str]:
    """Return a line for each template found, SHOWN at most. Raises CannotWork."""
    lines: list[str] = []
    async with logged_in(server) as client, contextlib.aclosing(client.templates.list(q=query)) as found:
        async for template in found:
            if len(lines) == SHOWN:
                return [*lines, f"… and more: igemoji --server {server.url} emojis WORDS"]
            lines.append(f"{template.id}  {template.name}  ({template.owner.alias})")
    return lines or [f"There is no template with {query!r}."]


@dataclass
class RemoteWorker:
    """Worker that sends photos to the server, one at a time."""

    client: AsyncClient
    server: Server
    template_id: str

    async def work(self, photo: Path) -> Result | Failure:
        """Upload a photo, wait, and download the result; see `PhotoWorker`."""
        try:
            task_id = await self.client.tasks.create(photo, self.template_id)
            try:
                task = await self.client.tasks.wait(task_id)
                image = await self.client.tasks.result_image(task_id)
            except BaseException:
                await self._forget(task_id)
                raise
        except api.TaskFailed as failure:
            return Failure(failure.reason, failure.task.error.message if failure.task.error else "")
        except api.InvalidRequest as refusal:
            return Failure(refusal.reason, refusal.message)
        except api.DeadlineExceeded as late:
            return Failure("LIMIT", str(late))
        except IgemojiError as error:
            raise CannotWork(_explain(self.server, error)) from None
        return Result(findings(task), image)

    async def end(self) -> None:
        """Do nothing: no process runs on this machine."""

    async def _forget(self, task_id: str) -> None:
        """Delete a task whose result was not fetched."""
        with contextlib.suppress(IgemojiError, TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                await self.client.tasks.delete(task_id)


def findings(task: api.Task) -> dict[str, Any]:
    """Return the findings of a task in the form of a local run, without landmarks, which the API does not return."""
    found = {"width": task.width, "height": task.height, "faces": [_face(face) for face in task.faces]}
    return {**found, "more_faces": True} if task.more_faces else found


def _face(face: api.Face) -> dict[str, Any]:
    return {
        "box": [round(side, 2) for side in (face.box.x, face.box.y, face.box.width, face.box.height)],
        "roll": round(face.roll, 2),
        "expression": face.expression,
        "uncertain": face.uncertain,
        "scores": {expression: round(score, 5) for expression, score in (face.scores or {}).items()},
    }


@asynccontextmanager
async def _template(client: AsyncClient, wanted: str) -> AsyncIterator[tuple[str, str]]:
    """Yield the id of a template, and a version that changes with its pictures.

    A folder becomes a private template, deleted after the block. Raises CannotWork.
    """
    template = await _find(client, wanted)
    if template is not None:
        yield template.id, f"{template.id}/{template.etag[:12]}"
        return
    if not await asyncio.to_thread(os.path.isdir, wanted):
        raise CannotWork(f"The server has no template {wanted!r}, and there is no folder of that name.")
    own = await asyncio.to_thread(templates.read_folder, Path(wanted))
    # The pictures have the stored form already.
    made = await client.templates.create(own.name, own.pictures, visibility="private", keep_background=True)
    try:
        yield made.id, f"folder/{own.digest[:12]}"
    finally:
        with contextlib.suppress(IgemojiError):
            await client.templates.delete(made.id)


async def _find(client: AsyncClient, wanted: str) -> api.Template | None:
    """Find a template by id, by name, or by words that match one built-in template only. Raises CannotWork."""
    with contextlib.suppress(ValueError):
        try:
            return await client.templates.get(str(uuid.UUID(wanted)))
        except api.NotFound:
            raise CannotWork(f"The server has no template {wanted}.") from None
    words = wanted.replace("-", " ").casefold()
    if len(words) > 50:
        return None
    found = list((await client.templates.page(q=words, sort="popular")).emojis)
    named = [template for template in found if template.name.casefold() in (wanted.casefold(), words)]
    built_in = [template for template in found if template.built_in]
    return next(iter(named), built_in[0] if len(built_in) == 1 else None)


def _explain(server: Server, error: IgemojiError) -> str:
    if isinstance(error, api.NotAuthenticated) and server.email:
        return f"{server.url} refused the password of {server.email}."
    if isinstance(error, api.ConnectionFailed):
        return f"The server can't be reached: {error}"
    return f"{server.url}: {error}"


def from_environment(url: str | None, ca_file: Path | None, email: str | None) -> Server | None:
    """Return the server of the options of `igemoji`, with IGEMOJI_PASSWORD. Raises CannotWork."""
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise CannotWork(f"--server {url}: an address begins with http:// or https://.")
    return Server(url.rstrip("/"), ca_file, email or "", os.environ.get("IGEMOJI_PASSWORD", ""))
