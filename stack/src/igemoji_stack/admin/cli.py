"""`igemoji admin`: commands for operators, on the data folder of a mesh or, with --server, on a server."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from igemoji_auth.entrypoints.cli import operate as operate_auth
from igemoji_client import AsyncClient, Reported
from igemoji_emoji_catalog.entrypoints.cli import operate as operate_catalog
from igemoji_inference.entrypoints.cli import operate as operate_inference
from igemoji_stack.backends.backend import Backend
from igemoji_stack.exits import exit_on, fail
from igemoji_stack.mesh.state import read_state
from igemoji_stack.photo import remote
from igemoji_stack.photo.errors import CannotWork

Data = Annotated[Path, typer.Option(help="Folder of all data of the mesh; without --server.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
TemplateId = Annotated[str, typer.Argument(metavar="ID", help="Id of the template.")]
FOLDER = Path(".igemoji")
OPERATE = {"auth": operate_auth, "emoji-catalog": operate_catalog, "inference": operate_inference}
WITH_OBJECTS = ("emoji-catalog", "inference")

app = typer.Typer(
    help="Moderate templates; manage operators, passwords, keys and stored objects.", no_args_is_help=True
)


@app.command()
def make_operator(context: typer.Context, email: Email, data: Data = FOLDER) -> None:
    """Make an account an operator, who moderates templates."""
    _on_folder(context, data, "auth", "make-operator", email)


@app.command()
def revoke_operator(context: typer.Context, email: Email, data: Data = FOLDER) -> None:
    """Make an operator an ordinary user again."""
    _on_folder(context, data, "auth", "revoke-operator", email)


@app.command()
def reset_password(context: typer.Context, email: Email, data: Data = FOLDER) -> None:
    """Print a link with which the user can set a new password once."""
    _on_folder(context, data, "auth", "reset-password", email)


@app.command()
def rotate_keys(context: typer.Context, data: Data = FOLDER) -> None:
    """Publish a new signing key for access tokens; it is used ten minutes later."""
    _on_folder(context, data, "auth", "rotate-keys")


@app.command()
def reports(
    context: typer.Context,
    decided: Annotated[bool, typer.Option("--decided", help="Reports with a decision.")] = False,
    data: Data = FOLDER,
) -> None:
    """List the reported templates, the oldest report first."""

    async def print_reports(client: AsyncClient) -> None:
        async for case in client.moderation.reports(decided=decided):
            typer.echo(line(case))

    _moderate(context, data, print_reports, "reports", *(["--decided"] if decided else []))


@app.command()
def hide(context: typer.Context, template_id: TemplateId, data: Data = FOLDER) -> None:
    """Hide a template from everyone except its maker and operators."""
    _decide(context, template_id, "hide", data)


@app.command()
def restore(context: typer.Context, template_id: TemplateId, data: Data = FOLDER) -> None:
    """Show a hidden template again."""
    _decide(context, template_id, "restore", data)


@app.command()
def delete(context: typer.Context, template_id: TemplateId, data: Data = FOLDER) -> None:
    """Delete a template permanently."""
    _decide(context, template_id, "delete", data)


@app.command()
def check_objects(
    context: typer.Context,
    remove_orphans: Annotated[
        bool, typer.Option("--remove-orphans", help="Delete objects that no row refers to.")
    ] = False,
    data: Data = FOLDER,
) -> None:
    """Audit all stored objects against their checksums and rows. Exit code 1 if any is missing or damaged."""
    options = ["--remove-orphans"] if remove_orphans else []
    passed = [_passes(context, data, service, "check-objects", *options) for service in WITH_OBJECTS]
    raise typer.Exit(0 if all(passed) else 1)


def line(case: Reported) -> str:
    """Format a reported template like `igemoji-emoji-catalog reports`."""
    reasons = ", ".join(dict.fromkeys(report.reason for report in case.reports))
    since = f"{case.waiting_since:%F %T}" if case.waiting_since else ""
    hidden = "  (hidden)" if case.emoji.hidden else ""
    return f"{case.emoji.id}  {since}  {case.total}  {reasons}  {case.emoji.name}{hidden}"


def _decide(context: typer.Context, template_id: str, decision: Any, data: Path) -> None:
    async def decide(client: AsyncClient) -> None:
        await client.moderation.decide(template_id, decision)
        typer.echo(f"{template_id}: {decision} is done.")

    _moderate(context, data, decide, decision, template_id)


@exit_on(CannotWork)
def _moderate(
    context: typer.Context, data: Path, work: Callable[[AsyncClient], Coroutine[Any, Any, None]], *arguments: str
) -> None:
    """Do the work on the server, if there is one, else run the catalog's command on the data folder."""
    if context.obj is None:
        _on_folder(context, data, "emoji-catalog", *arguments)
        return

    async def run() -> None:
        server = remote.chosen(context)
        if server is None or not server.email:
            raise CannotWork("Operators log in: give --email, and the password in IGEMOJI_PASSWORD or at the prompt.")
        async with remote.logged_in(server) as client:
            await work(client)

    asyncio.run(run())


def _on_folder(context: typer.Context, data: Path, service: str, *arguments: str) -> None:
    """Run a command of a service on its data."""
    if context.obj is not None:
        fail("This command works on the data folder only: run it on that machine, without --server.")
    if not data.is_dir():
        fail(f"There is no data folder {data}: name that of the mesh with --data.")
    os.environ["DATA_DIR"] = str(data)
    if (data / "backend").exists() and (data / "backend").read_text().strip() == Backend.REAL:
        state = read_state(data) or {}
        databases = state.get("databases", {})
        if service not in databases:
            fail(f"The data of {data} is in a database that runs with the mesh: start the mesh first.")
        os.environ.update({"DATABASE_URL": databases[service], **state["objects"]})
    OPERATE[service](arguments)


def _passes(context: typer.Context, data: Path, service: str, *arguments: str) -> bool:
    """Run a command; return False if its exit code reports lost objects, which it has printed."""
    try:
        _on_folder(context, data, service, *arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            fail(end.code)
        return not end.code
    return True
