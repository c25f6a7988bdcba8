"""The complete configuration of Envoy, from the contract and the options."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from igemoji_gateway.config.clusters import clusters
from igemoji_gateway.config.contract import ContractError, routed, service_names
from igemoji_gateway.config.listener import listener, metrics_listener
from igemoji_gateway.config.options import GatewayOptions
from igemoji_gateway.config.overload import overload
from igemoji_gateway.config.protobuf import Config
from igemoji_protos import Rpc
from igemoji_protos import rpcs as contract

RPC_IN_STATISTICS = r"^cluster\.[^.]+\.grpc\.((igemoji\.\w+\.v\d+\.\w+\.\w+)\.)"
"""One tag for the RPC: Envoy's own tags split a package name that contains dots in the wrong places."""


def bootstrap(options: GatewayOptions, rpcs: Iterable[Rpc] | None = None) -> Config:
    """Return Envoy's bootstrap for the RPCs of the contract (or for `rpcs`).

    Raises:
        ContractError: if an RPC has no access level, or its service no address in `options.upstreams`.
    """
    found = routed(contract() if rpcs is None else rpcs)
    services = service_names(found)
    if missing := [service for service in services if service not in options.upstreams]:
        raise ContractError(f"No address for: {', '.join(missing)}. The options name {', '.join(options.upstreams)}.")
    listeners = [listener(options, found)]
    if options.metrics:
        listeners.append(metrics_listener(options.metrics))
    return {
        "node": {"id": "gateway", "cluster": "igemoji"},
        "admin": {
            "address": {"socket_address": {"address": options.admin.host, "port_value": options.admin.port}},
            "ignore_global_conn_limit": True,
        },
        "stats_config": {"stats_tags": [{"tag_name": "rpc", "regex": RPC_IN_STATISTICS}]},
        **overload(options),
        # Changed by `runtime.adaptive_breaker`.
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
        "static_resources": {"listeners": listeners, "clusters": clusters(options, services)},
    }


def write(options: GatewayOptions, path: Path) -> None:
    """Write the bootstrap as YAML. Raises ContractError before it touches the file."""
    path.write_text(to_yaml(bootstrap(options)), encoding="utf-8")


def to_yaml(configuration: Config) -> str:
    """Return a configuration as YAML."""
    return yaml.dump(configuration, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


class _Plain(yaml.SafeDumper):
    """Dumper without anchors, which are hard to read."""

    def ignore_aliases(self, _data: object) -> bool:
        return True
