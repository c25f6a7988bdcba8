"""The commands `igemoji photo`, `igemoji emojis` and `igemoji init`, which work with or without a server."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from igemoji_stack.exits import exit_on
from igemoji_stack.photo import remote, templates
from igemoji_stack.photo.errors import CannotWork
from igemoji_stack.photo.files import Job, plan
from igemoji_stack.photo.journal import Journals
from igemoji_stack.photo.progress import Screen, Tally, json_line, json_lines
from igemoji_stack.photo.run import Outcome, cover, on_this_machine

FAILED, CANNOT_WORK = 1, 2
"""Exit codes: a photo failed; nothing could be done. An interrupted run exits with 128 plus the signal number."""

Assets = Annotated[Path, typer.Option(help="Output of `make assets`.")]


@exit_on(CannotWork, CANNOT_WORK)
def photo(
    context: typer.Context,
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO", help="Files, folders and quoted globs.")],
    emoji: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="A built-in template (see `igemoji emojis`), a folder of your own, or an id on the server.",
        ),
    ] = "classic",
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", metavar="OUT", help="A folder; for one photo also a file. Default: beside the photo."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Photos at a time; 0: one for each core, or four with --server.")
    ] = 0,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write a JSON line for each photo; - is standard output."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Redo finished photos, and replace existing files.")] = False,
    assets: Assets = templates.ASSETS,
) -> None:
    """Cover the faces in photos: without a server, or on one (igemoji --server URL photo …).

    Originals are never changed. Photos that an earlier run finished with the same template are skipped.

    Exit codes: 0 all done, 1 a photo failed, 2 nothing could be done, 130 interrupted.
    """
    journals = Journals()
    tally = Tally()
    try:
        server = remote.chosen(context)
        template = None if server else templates.find(emoji, assets)
        jobs = plan(photos, out, journals)
        _check_json_file(json_file, jobs)
        _make_folder(out, jobs)
        with json_lines(json_file) as lines, Screen(len(jobs)) as screen:

            def report(outcome: Outcome) -> None:
                tally.add(outcome)
                screen.add(outcome)
                if lines is not None:
                    lines.write(json_line(outcome))
                    lines.flush()

            if server is not None:
                work = remote.cover_there(server, emoji, jobs, journals, report, workers=workers, force=force)
            else:
                assert template is not None  # noqa: S101 - see above
                cores = len(os.sched_getaffinity(0))
                options = on_this_machine(assets / "models", template, workers or cores, force=force)
                work = cover(jobs, options, journals, report)
            stopped_by = _run(work)
    except CannotWork:
        if tally.done or tally.failed:
            typer.echo(tally.summary(), err=True)
        raise
    if stopped_by:
        done = tally.done + tally.earlier
        typer.echo(f"Stopped: {done} of {len(jobs)} photos are done. Run the same command to continue.", err=True)
        raise typer.Exit(128 + stopped_by)
    prefix = f"{jobs[0].output}: " if len(jobs) == 1 and not tally.failed else ""
    typer.echo(prefix + tally.summary(), err=True)
    raise typer.Exit(FAILED if tally.failed else 0)


@exit_on(CannotWork, CANNOT_WORK)
def emojis(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="[WORDS]", help="With --server: words to search for.")] = "",
    assets: Assets = templates.ASSETS,
) -> None:
    """List the built-in templates: slug, name and the folder of the pictures. With --server: id, name and maker."""
    if server := remote.chosen(context):
        for line in asyncio.run(remote.emojis_there(server, query)):
            typer.echo(line)
        return
    known = templates.built_ins(assets)
    slug_width = max(len(template.slug) for template in known)
    name_width = max(len(template.name) for template in known)
    for template in known:
        typer.echo(f"{template.slug:<{slug_width}}  {template.name:<{name_width}}  {template.folder}")


@exit_on(CannotWork, CANNOT_WORK)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    start: Annotated[str, typer.Option("--from", metavar="NAME", help="The template to start from.")] = "classic",
    assets: Assets = templates.ASSETS,
) -> None:
    """Create a folder for your own template: seven pictures to replace, and its name in template.json."""
    templates.create(folder, start, assets)
    typer.echo(f"Replace the pictures in {folder} with yours, then: igemoji photo --emoji {folder} PHOTO", err=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (photo, emojis, init):
        app.command()(command)


def _run(work: Coroutine[Any, Any, None]) -> int | None:
    """Run to the end, or until SIGINT or SIGTERM; return the number of that signal."""
    stopped_by: list[int] = []

    async def until_stopped() -> None:
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()

        def stop(signum: int, _frame: object) -> None:
            """Stop once: an impatient second Ctrl-C must not disturb the shutdown."""
            if not stopped_by:
                stopped_by.append(signum)
                loop.call_soon_threadsafe(task.cancel)

        # Not the loop's handlers: those end with it, and a second Ctrl-C may come later, until the process has ended.
        before = {signum: signal.signal(signum, stop) for signum in (signal.SIGINT, signal.SIGTERM)}
        try:
            await task
        except asyncio.CancelledError:
            if not stopped_by:
                raise
        finally:
            if not stopped_by:
                for signum, handler in before.items():
                    signal.signal(signum, handler)

    asyncio.run(until_stopped())
    return stopped_by[0] if stopped_by else None


def _check_json_file(target: str | None, jobs: list[Job]) -> None:
    if target is None or target == "-":
        return
    path = os.path.realpath(target)
    for job in jobs:
        if path in (os.path.realpath(job.photo), os.path.realpath(job.output)):
            raise CannotWork(f"--json {target} would overwrite a photo or a result: give another name.")


def _make_folder(out: str | None, jobs: list[Job]) -> None:
    """Create the output folder first: one error now instead of one for each photo."""
    if out is None:
        return
    folder = jobs[0].output.parent if jobs[0].output == Path(out) else Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWork(f"The folder {folder} can't be made: {error.strerror}.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotWork(f"The folder {folder} can't be written to.")
