"""The command `igemoji-gateway`: write Envoy's configuration, validate it, and run Envoy with it."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from igemoji_gateway.config.bootstrap import bootstrap, to_yaml, write
from igemoji_gateway.config.contract import ContractError, routed, service_names
from igemoji_gateway.config.options import SERVICE_PORT, Address, Certificates, GatewayOptions
from igemoji_gateway.docs import pages
from igemoji_gateway.runtime.binary import EnvoyMissing, InvalidConfiguration, validate
from igemoji_gateway.runtime.serve import Drain, serve
from igemoji_protos import DESCRIPTORS, OPENAPI, rpcs


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ContractError, InvalidConfiguration, EnvoyMissing, OSError) as error:
        sys.exit(str(error))


def _config(arguments: argparse.Namespace) -> None:
    text = to_yaml(bootstrap(_options(arguments)))
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def _serve(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "envoy.yaml"
        write(_options(arguments), configuration)
        drain = Drain(arguments.drain_seconds, arguments.stop_grace_seconds)
        sys.exit(serve(configuration, arguments.admin, drain, concurrency=arguments.concurrency))


def _validate(arguments: argparse.Namespace) -> None:
    validate(arguments.file)
    sys.stdout.write(f"Envoy accepts {arguments.file}\n")


def _options(arguments: argparse.Namespace) -> GatewayOptions:
    upstreams: dict[str, Address] = {}
    if arguments.mode == "cluster":
        upstreams = {service: Address(service, SERVICE_PORT) for service in service_names(routed(rpcs()))}
    https = [arguments.tls_cert, arguments.tls_key, arguments.tls_ca]
    if any(https) and not all(https):
        sys.exit("HTTPS needs all of --tls-cert, --tls-key and --tls-ca")
    given = {field.name: getattr(arguments, field.name) for field in fields(GatewayOptions) if field.name in arguments}
    return GatewayOptions(
        **given,
        tls=Certificates(*https) if all(https) else None,
        upstreams={**upstreams, **dict(arguments.upstream)},
        resolve=arguments.mode == "cluster",
        certificates=Certificates(cert=arguments.cert, key=arguments.key, ca=arguments.ca),
        allowed_origins=tuple(arguments.allow_origin),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="igemoji-gateway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    config = commands.add_parser("config", help="write the configuration")
    config.set_defaults(run=_config)
    config.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    _add_options(config)

    run = commands.add_parser("serve", help="run Envoy with this configuration, and drain it on SIGTERM")
    run.set_defaults(run=_serve)
    run.add_argument("--concurrency", type=int, default=2, metavar="N", help="worker threads of Envoy (default: 2)")
    for name, default, what in (
        ("drain", Drain.notice_seconds, "how long the health check fails before clients are asked to reconnect"),
        ("stop-grace", Drain.grace_seconds, "how long active calls may take after that"),
    ):
        run.add_argument(f"--{name}-seconds", type=float, default=default, metavar="S", help=f"{what} ({default:g})")
    _add_options(run)

    check = commands.add_parser("validate", help="check a configuration with Envoy")
    check.set_defaults(run=_validate)
    check.add_argument("file", type=Path, metavar="FILE")
    return parser


def _add_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--mode", choices=["machine", "cluster"], required=True, help="services on this machine, or in a cluster")
    upstream = "address of a service (auth=127.0.0.1:50051); required for each in mode machine, by name in a cluster"
    add("--upstream", type=_upstream, action="append", default=[], metavar="NAME=HOST:PORT", help=upstream)
    certificates = {"cert": "the gateway's certificate", "key": "its key", "ca": "the authority of all certificates"}
    for name, what in certificates.items():
        add(f"--{name}", type=Path, required=True, metavar="FILE", help=f"{what}, PEM")
    for name, what, default in (
        ("listen", "address for clients", GatewayOptions.listen),
        ("admin", "address of Envoy's admin API", GatewayOptions.admin),
        ("metrics", "address for Prometheus; none by default", None),
        ("traces", "OTLP/gRPC collector for traces; none by default", None),
        ("web", "server of the web client's files; a landing page by default", None),
    ):
        shown = f" (default: {default.host}:{default.port})" if default else ""
        add(f"--{name}", type=_address, default=default, metavar="HOST:PORT", help=what + shown)
    for name, what in (("tls-cert", "certificate for HTTPS"), ("tls-key", "its key"), ("tls-ca", "its authority")):
        add(f"--{name}", type=Path, metavar="FILE", help=f"{what}, PEM; plain HTTP unless all three are given")
    add("--descriptors", type=Path, default=DESCRIPTORS, metavar="FILE", help="descriptor set, on Envoy's machine")
    add("--openapi", type=Path, default=OPENAPI, metavar="FILE", help="API document, on Envoy's machine")
    add("--docs", type=Path, default=pages.folder(), metavar="FOLDER", help="files of Swagger UI, on Envoy's machine")
    origins = "origin whose pages may call the API (CORS)"
    add("--allow-origin", action="append", default=[], metavar="ORIGIN", help=origins)
    add("--issuer", default=GatewayOptions.issuer, help="issuer of tokens (default: %(default)s)")
    add("--audience", default=GatewayOptions.audience, help="audience of tokens (default: %(default)s)")
    for name, what in (
        ("trusted-proxies", "trusted proxies in front, for X-Forwarded-For"),
        ("rate-factor", "multiplies every rate limit"),
        ("calls-at-once", "concurrent calls to each address of a service; more are refused"),
        ("streams-at-once", "the same for streams"),
        ("max-connections", "concurrent connections of clients"),
        ("max-heap-mib", "memory limit of Envoy in MiB, below that of its container"),
    ):
        default = getattr(GatewayOptions, name.replace("-", "_"))
        add(f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default: %(default)s)")


def _address(text: str) -> Address:
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT")
    return Address(host.strip("[]"), int(port))


def _upstream(text: str) -> tuple[str, Address]:
    name, separator, address = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=HOST:PORT")
    return name, _address(address)
