"""The command `igemoji-gateway`: writes Envoy's configuration, asks Envoy about it, and serves with it."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from igemoji_gateway.config.bootstrap import bootstrap, to_yaml, write
from igemoji_gateway.config.contract import ContractError, routed, service_names
from igemoji_gateway.config.options import SERVICE_PORT, Address, Certificates, GatewayOptions
from igemoji_gateway.docs import pages
from igemoji_gateway.runtime.binary import EnvoyMissing, InvalidConfiguration, validate
from igemoji_gateway.runtime.serve import Drain, serve
from igemoji_protos import DESCRIPTORS, OPENAPI, rpcs


def main(arguments: Sequence[str] | None = None) -> None:
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
        sys.exit("HTTPS needs --tls-cert, --tls-key and --tls-ca, all three")
    return GatewayOptions(
        tls=Certificates(*https) if all(https) else None,
        upstreams={**upstreams, **dict(arguments.upstream)},
        resolve=arguments.mode == "cluster",
        certificates=Certificates(cert=arguments.cert, key=arguments.key, ca=arguments.ca),
        listen=arguments.listen,
        admin=arguments.admin,
        metrics=arguments.metrics,
        web=arguments.web,
        traces=arguments.traces,
        descriptors=arguments.descriptors,
        openapi=arguments.openapi,
        docs=arguments.docs,
        allowed_origins=tuple(arguments.allow_origin),
        issuer=arguments.issuer,
        audience=arguments.audience,
        trusted_proxies=arguments.trusted_proxies,
        rate_factor=arguments.rate_factor,
        calls_at_once=arguments.calls_at_once,
        streams_at_once=arguments.streams_at_once,
        max_connections=arguments.max_connections,
        max_heap_mib=arguments.max_heap_mib,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="igemoji-gateway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    config = commands.add_parser("config", help="write the configuration")
    config.set_defaults(run=_config)
    config.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    _add_options(config)

    run = commands.add_parser("serve", help="run Envoy with that configuration, and drain it on SIGTERM")
    run.set_defaults(run=_serve)
    run.add_argument("--concurrency", type=int, default=2, metavar="N", help="threads of Envoy (default: 2)")
    for name, default, what in (
        ("drain", Drain.notice_seconds, "how long the health check fails before connections are asked to end"),
        ("stop-grace", Drain.grace_seconds, "how long calls under way may go on after that"),
    ):
        run.add_argument(f"--{name}-seconds", type=float, default=default, metavar="S", help=f"{what} ({default:g})")
    _add_options(run)

    check = commands.add_parser("validate", help="ask Envoy whether it accepts a configuration")
    check.set_defaults(run=_validate)
    check.add_argument("file", type=Path, metavar="FILE")
    return parser


def _add_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--mode", choices=["machine", "cluster"], required=True, help="where the services are")
    add(
        "--upstream",
        type=_upstream,
        action="append",
        default=[],
        metavar="NAME=HOST:PORT",
        help="where a service is (auth=127.0.0.1:50051): one each on a machine; in a cluster they are known by name",
    )
    for name, what in (("cert", "the gateway's certificate"), ("key", "its key"), ("ca", "the authority of them all")):
        add(f"--{name}", type=Path, required=True, metavar="FILE", help=f"{what}, PEM")
    for name, what, default in (
        ("listen", "where clients connect", GatewayOptions.listen),
        ("admin", "Envoy's admin port", GatewayOptions.admin),
        ("metrics", "where Prometheus may scrape; nowhere unless given", None),
        ("traces", "a collector of traces, by OTLP over gRPC; none are recorded unless given", None),
        ("web", "the web client's files; a page of the gateway's own unless given", None),
    ):
        shown = f" (default: {default.host}:{default.port})" if default else ""
        add(f"--{name}", type=_address, default=default, metavar="HOST:PORT", help=what + shown)
    for name, what in (("tls-cert", "shown to clients, by HTTPS"), ("tls-key", "its key"), ("tls-ca", "its authority")):
        add(f"--{name}", type=Path, metavar="FILE", help=f"{what}, PEM; plain HTTP unless all three are given")
    add("--descriptors", type=Path, default=DESCRIPTORS, metavar="FILE", help="the descriptor set where Envoy finds it")
    add("--openapi", type=Path, default=OPENAPI, metavar="FILE", help="the API document where Envoy finds it")
    add("--docs", type=Path, default=pages.folder(), metavar="FOLDER", help="Swagger UI's files where Envoy finds them")
    add("--allow-origin", action="append", default=[], metavar="ORIGIN", help="pages that may call the API (CORS)")
    add("--issuer", default=GatewayOptions.issuer, help="of tokens (default: %(default)s)")
    add("--audience", default=GatewayOptions.audience, help="of tokens (default: %(default)s)")
    add(
        "--trusted-proxies", type=int, default=0, metavar="N", help="proxies in front, for X-Forwarded-For (default: 0)"
    )
    add("--rate-factor", type=int, default=1, metavar="N", help="multiplies every rate limit (default: 1)")
    for name, most, what in (
        ("calls", GatewayOptions.calls_at_once, "calls to each address of a service at a time; more are refused"),
        ("streams", GatewayOptions.streams_at_once, "the same for streams"),
    ):
        add(f"--{name}-at-once", type=int, default=most, metavar="N", help=f"{what} (default: {most})")
    for name, most, what in (
        ("connections", GatewayOptions.max_connections, "connections of clients at a time"),
        ("heap-mib", GatewayOptions.max_heap_mib, "memory that Envoy may take, less than its container has, MiB"),
    ):
        add(f"--max-{name}", type=int, default=most, metavar="N", help=f"{what} (default: {most})")


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
