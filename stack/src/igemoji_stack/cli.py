"""The command `igemoji`."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from igemoji_stack.admin import cli as admin_cli
from igemoji_stack.backends.backend import Backend, Urls
from igemoji_stack.mesh.console import Console
from igemoji_stack.mesh.mesh import CannotStart, Mesh, MeshOptions
from igemoji_stack.mesh.state import answers_ok, is_serving, read_state
from igemoji_stack.mesh.website import WEB
from igemoji_stack.photo import cli as photo_cli
from igemoji_stack.photo import remote
from igemoji_stack.photo.errors import CannotWork
from igemoji_stack.photo.templates import ASSETS

STOP_SECONDS = 60

app = typer.Typer(
    help="IGE MOJI on one machine.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

ON_A_SERVER = ("photo", "emojis", "admin")
"""What can be done there, too."""


def part_url(part: str, example: str) -> Any:
    """An option that may stand in the environment, where other people on this machine see no password."""
    return typer.Option(
        envvar=f"IGEMOJI_{part.upper()}_URL",
        metavar="URL",
        show_default=False,
        help=example,
        rich_help_panel="Real parts that run already; the others are started",
    )


Data = Annotated[Path, typer.Option(help="The folder of everything that the mesh keeps.")]


@app.callback()
def everything(
    context: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(envvar="IGEMOJI_SERVER", metavar="URL", help="Do it there: photo, emojis and admin."),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            envvar="IGEMOJI_CA", metavar="FILE", help="The authority to trust there, instead of the system's."
        ),
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(
            envvar="IGEMOJI_EMAIL", help="Log in there, with IGEMOJI_PASSWORD or when asked. Default: as a guest."
        ),
    ] = None,
) -> None:
    """IGE MOJI on one machine, or from it on a server."""
    source = context.get_parameter_source("server")
    if source is not None and source.name == "COMMANDLINE" and context.invoked_subcommand not in ON_A_SERVER:
        _fail(f"igemoji {context.invoked_subcommand} is about this machine: it has no --server.")
    try:
        context.obj = remote.from_environment(server, ca, email)
    except CannotWork as error:
        _fail(str(error))


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the gateway; 0 takes a free one.")] = 8080,
    data: Data = Path(".igemoji"),
    reset: Annotated[bool, typer.Option("--reset", help="Remove what the data folder holds, first.")] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS, with a certificate of a private authority.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON lines, for machines.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every line that the services log.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes that work on photos; 0: one for each core.")] = 0,
    assets: Annotated[Path, typer.Option(help="What `make assets` built.")] = ASSETS,
    web: Annotated[
        Path | None, typer.Option(help="What `make web` built; default: web/dist where it is there.")
    ] = None,
    backend: Annotated[
        Backend, typer.Option(help="embedded: nothing to install; real: MariaDB, S3, RabbitMQ, Redis (make services).")
    ] = Backend.EMBEDDED,
    database_url: Annotated[str, part_url("database", "mysql+pymysql://user:password@host/igemoji")] = "",
    queue_url: Annotated[str, part_url("queue", "amqp://user:password@host//")] = "",
    progress_url: Annotated[str, part_url("progress", "redis://:password@host/0")] = "",
    objects_url: Annotated[str, part_url("objects", "s3://bucket?endpoint=https://host")] = "",
    replicas: Annotated[int, typer.Option(min=1, help="Of each service, on real parts.")] = 1,
    traces: Annotated[
        str, typer.Option(metavar="URL", help="Send traces there, by OTLP over gRPC, such as http://127.0.0.1:4317.")
    ] = "",
    rate_factor: Annotated[int, typer.Option(min=1, hidden=True, help="Multiplies the limits of one address.")] = 1,
) -> None:
    """Run the whole mesh until Ctrl-C."""
    if reset:
        _reset(data)
    if web is None and (WEB / "index.html").is_file():
        web = WEB
    options = MeshOptions(
        data=data,
        assets=assets,
        port=port,
        workers=workers,
        tls=tls,
        web=web,
        rate_factor=rate_factor,
        backend=backend,
        urls=Urls(database_url, queue_url, progress_url, objects_url),
        replicas=replicas,
        traces=traces,
    )
    console = Console(data / "logs", as_json=as_json, verbose=verbose)
    try:
        asyncio.run(_run(options, console))
    except CannotStart as error:
        _fail(str(error))
    finally:
        console.close()


@app.command()
def status(data: Data = Path(".igemoji")) -> None:
    """Tell what runs and whether it is healthy. Exit code 1 where anything is not."""
    state = read_state(data)
    if state is None:
        _fail(f"No mesh runs with its data in {data}.")
    typer.echo(f"{state['url']}  (pid {state['pid']}, data in {data})")
    healthy = asyncio.run(_health(state))
    for name, well in healthy.items():
        typer.echo(f"  {name:<14} {'healthy' if well else 'NOT healthy'}")
    raise typer.Exit(0 if all(healthy.values()) else 1)


@app.command()
def down(data: Data = Path(".igemoji")) -> None:
    """Stop a mesh that runs elsewhere, and wait until it has."""
    state = read_state(data)
    if state is None:
        typer.echo(f"No mesh runs with its data in {data}.")
        return
    os.kill(state["pid"], signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while read_state(data) is not None:
        if time.monotonic() > until:
            _fail(f"The mesh (pid {state['pid']}) did not stop within {STOP_SECONDS} s.")
        time.sleep(0.1)
    typer.echo("Stopped.")


async def _run(options: MeshOptions, console: Console) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stopping.set)
    console.event("", f"starting IGE MOJI with its data in {options.data}")
    mesh = Mesh(options, console.line, console.event)
    starting = asyncio.create_task(mesh.start())
    interrupted = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return
    starting.result()
    console.event("", f"ready: {mesh.url}")
    if options.tls:
        console.say(
            f"  authority   {options.data / 'certificates' / 'ca.crt'} (curl --cacert, or trust it in the browser)"
        )
    if options.web:
        console.say(f"  web         {mesh.url}/")
    console.say(f"  API         {mesh.url}/api/openapi.json\n  logs        {options.data / 'logs'}\n  Ctrl-C stops it")
    await interrupted
    console.event("", "stopping")
    await mesh.stop()
    console.event("", "stopped")


async def _health(state: dict[str, Any]) -> dict[str, bool]:
    services = {name: ports for name, ports in state["services"].items() if name != "gateway"}
    answers = await asyncio.gather(*(is_serving(ports["health"]) for ports in services.values()))
    return {**dict(zip(services, answers, strict=True)), "gateway": await answers_ok(state["url"], "/healthz")}


def _reset(data: Path) -> None:
    if read_state(data) is not None:
        _fail(f"A mesh runs with its data in {data}: stop it before a reset.")
    if data.exists() and not (data / "run").is_dir() and any(data.iterdir()):
        _fail(f"{data} does not look like a data folder of IGE MOJI; remove it yourself if it is one.")
    shutil.rmtree(data, ignore_errors=True)


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


photo_cli.register(app)
app.add_typer(admin_cli.app, name="admin")


def main() -> None:
    # Its notes about forks and handshakes are for developers of gRPC.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    app()


if __name__ == "__main__":
    main()
