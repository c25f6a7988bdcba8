"""The command `igemoji`."""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from igemoji_stack.admin import cli as admin_cli
from igemoji_stack.backends.backend import Backend, Urls
from igemoji_stack.exits import exit_on, fail
from igemoji_stack.mesh.console import Console
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import CannotStart, MeshOptions
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
"""Commands that work with --server."""


def backend_url(name: str, example: str) -> Any:
    """Return an option that may come from the environment, where other users of this machine see no password."""
    return typer.Option(
        envvar=f"IGEMOJI_{name.upper()}_URL",
        metavar="URL",
        show_default=False,
        help=example,
        rich_help_panel="Real backends that run already; the others are started",
    )


Data = Annotated[Path, typer.Option(help="Folder of all data of the mesh.")]


@app.callback()
def everything(
    context: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(envvar="IGEMOJI_SERVER", metavar="URL", help="Use this server: photo, emojis and admin."),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            envvar="IGEMOJI_CA", metavar="FILE", help="Certificate authority of the server, instead of the system's."
        ),
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(
            envvar="IGEMOJI_EMAIL", help="Log in with this address and IGEMOJI_PASSWORD, or a prompt. Default: a guest."
        ),
    ] = None,
) -> None:
    """IGE MOJI on one machine, or from it on a server."""
    source = context.get_parameter_source("server")
    if source is not None and source.name == "COMMANDLINE" and context.invoked_subcommand not in ON_A_SERVER:
        fail(f"igemoji {context.invoked_subcommand} works on this machine only: it has no --server.")
    with exit_on(CannotWork):
        context.obj = remote.from_environment(server, ca, email)


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port of the gateway; 0: a free one.")] = 8080,
    data: Data = Path(".igemoji"),
    reset: Annotated[bool, typer.Option("--reset", help="Delete the data folder first.")] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS, with a certificate of a private authority.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every log line of the services.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes for photos; 0: one for each core.")] = 0,
    assets: Annotated[Path, typer.Option(help="Output of `make assets`.")] = ASSETS,
    web: Annotated[Path | None, typer.Option(help="Output of `make web`; default: web/dist if it exists.")] = None,
    backend: Annotated[
        Backend,
        typer.Option(help="embedded: nothing to install; real: MariaDB, S3, RabbitMQ, Redis (make install-backends)."),
    ] = Backend.EMBEDDED,
    database_url: Annotated[str, backend_url("database", "mysql+pymysql://user:password@host/igemoji")] = "",
    queue_url: Annotated[str, backend_url("queue", "amqp://user:password@host//")] = "",
    progress_url: Annotated[str, backend_url("progress", "redis://:password@host/0")] = "",
    objects_url: Annotated[str, backend_url("objects", "s3://bucket?endpoint=https://host")] = "",
    replicas: Annotated[int, typer.Option(min=1, help="Replicas of each service; real backends only.")] = 1,
    traces: Annotated[
        str, typer.Option(metavar="URL", help="OTLP/gRPC collector for traces, such as http://127.0.0.1:4317.")
    ] = "",
    rate_factor: Annotated[int, typer.Option(min=1, hidden=True, help="Multiplies the rate limits per address.")] = 1,
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
    with contextlib.closing(console), exit_on(CannotStart):
        asyncio.run(_run(options, console))


@app.command()
def status(data: Data = Path(".igemoji")) -> None:
    """Show what runs and whether it is healthy. Exit code 1 if anything is not."""
    state = read_state(data)
    if state is None:
        fail(f"No mesh runs with its data in {data}.")
    typer.echo(f"{state['url']}  (pid {state['pid']}, data in {data})")
    healthy = asyncio.run(_health(state))
    for name, is_healthy in healthy.items():
        typer.echo(f"  {name:<14} {'healthy' if is_healthy else 'NOT healthy'}")
    raise typer.Exit(0 if all(healthy.values()) else 1)


@app.command()
def down(data: Data = Path(".igemoji")) -> None:
    """Stop a mesh that another terminal started, and wait until it has stopped."""
    state = read_state(data)
    if state is None:
        typer.echo(f"No mesh runs with its data in {data}.")
        return
    os.kill(state["pid"], signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while read_state(data) is not None:
        if time.monotonic() > until:
            fail(f"The mesh (pid {state['pid']}) did not stop within {STOP_SECONDS} s.")
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
        fail(f"A mesh runs with its data in {data}: stop it before you reset it.")
    if data.exists() and not (data / "run").is_dir() and any(data.iterdir()):
        fail(f"{data} does not look like a data folder of IGE MOJI: delete it yourself if it is one.")
    shutil.rmtree(data, ignore_errors=True)


photo_cli.register(app)
app.add_typer(admin_cli.app, name="admin")


def main() -> None:
    """Run the command `igemoji`."""
    # gRPC's notes about forks and handshakes mean nothing to users.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    app()


if __name__ == "__main__":
    main()
