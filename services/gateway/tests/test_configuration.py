"""The generated configuration, and contracts that are refused."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.api import http_pb2

from igemoji.common.v1 import access_pb2
from igemoji_gateway.cli import main
from igemoji_gateway.config.bootstrap import bootstrap, write
from igemoji_gateway.config.contract import ContractError
from igemoji_gateway.config.options import Address, Certificates, GatewayOptions
from igemoji_gateway.config.routes import path_regex
from igemoji_gateway.runtime.binary import InvalidConfiguration, validate
from igemoji_mesh.testing.mesh import TestMesh
from igemoji_protos import Rpc, rpcs

from .fake_mesh import SERVICES

CERTIFICATES = Certificates(Path("gateway.crt"), Path("gateway.key"), Path("ca.crt"))


def machine(certificates: Certificates = CERTIFICATES, **others: Any) -> GatewayOptions:
    ports = {service: 50051 + number for number, service in enumerate(SERVICES)}
    return GatewayOptions.machine(ports, certificates, **others)


def cluster(certificates: Certificates = CERTIFICATES, **others: Any) -> GatewayOptions:
    return GatewayOptions.cluster(SERVICES, certificates, **others)


def an_rpc(**changes: Any) -> Rpc:
    rpc = next(rpc for rpc in rpcs() if rpc.name == "GetRanking")
    return replace(rpc, **changes)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    folder = TestMesh(tmp_path).folder
    return Certificates(folder / "gateway.crt", folder / "gateway.key", folder / "ca.crt")


@pytest.mark.parametrize("make", [machine, cluster])
def test_envoy_accepts_the_configuration(make: Any, envoy: Path, certificates: Certificates, tmp_path: Path) -> None:
    plain, full = tmp_path / "plain.yaml", tmp_path / "full.yaml"
    write(make(certificates), plain)
    validate(plain)
    options = make(
        certificates,
        web=Address("127.0.0.1", 8081),
        metrics=Address("127.0.0.1", 9902),
        allowed_origins=("https://igemoji.example",),
        trusted_proxies=1,
    )
    write(options, full)
    validate(full)


def test_envoy_refuses_an_invalid_configuration(envoy: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("static_resources: {listeners: [{nonsense: 1}]}")
    with pytest.raises(InvalidConfiguration, match="nonsense"):
        validate(wrong)


def test_machine_and_cluster_differ_only_in_addresses() -> None:
    def without_addresses(options: GatewayOptions) -> dict[str, Any]:
        configuration = bootstrap(options)
        for found in configuration["static_resources"]["clusters"]:
            for key in ("type", "cluster_type", "load_assignment"):
                found.pop(key, None)
        return configuration

    assert without_addresses(machine()) == without_addresses(cluster())


def test_cluster_uses_every_address_of_a_headless_service() -> None:
    clusters = {found["name"]: found for found in bootstrap(cluster())["static_resources"]["clusters"]}
    catalog = clusters["emoji-catalog"]
    (group,) = catalog["load_assignment"]["endpoints"]
    (host,) = group["lb_endpoints"]
    assert host["endpoint"]["address"]["socket_address"] == {"address": "emoji-catalog", "port_value": 50051}
    assert catalog["cluster_type"]["name"] == "envoy.clusters.dns"


def test_gateway_expects_the_certificate_of_each_service() -> None:
    clusters = {found["name"]: found for found in bootstrap(machine())["static_resources"]["clusters"]}
    for service in SERVICES:
        tls = clusters[service]["transport_socket"]["typed_config"]
        name = f"{service}.igemoji.internal"
        assert tls["sni"] == name
        (matcher,) = tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
        assert matcher == {"san_type": "DNS", "matcher": {"exact": name}}


def test_admin_api_listens_on_localhost_by_default() -> None:
    assert bootstrap(cluster())["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"


@pytest.mark.parametrize("access", [None, access_pb2.Access(), access_pb2.Access(per_minute=3)])
def test_rpc_without_access_level_is_refused(access: access_pb2.Access | None) -> None:
    with pytest.raises(ContractError, match=r"RankingService/GetRanking.*|no access level"):
        bootstrap(machine(), [an_rpc(access=access)])


def test_internal_rpc_with_rest_path_is_refused() -> None:
    with pytest.raises(ContractError, match="LEVEL_INTERNAL and have a REST path"):
        bootstrap(machine(), [an_rpc(access=access_pb2.Access(level=access_pb2.LEVEL_INTERNAL))])


def test_rpc_of_service_without_address_is_refused() -> None:
    with pytest.raises(ContractError, match="No address for: ranking"):
        bootstrap(replace(machine(), upstreams={"auth": Address("127.0.0.1", 1)}), [an_rpc()])


def test_rest_path_with_trailing_slash_is_refused() -> None:
    upload = access_pb2.Access(level=access_pb2.LEVEL_USER, max_request_kib=1000)
    with pytest.raises(ContractError, match="must not end in a slash"):
        bootstrap(machine(), [an_rpc(http=http_pb2.HttpRule(get="/api/v1/x/"), access=upload)])


def test_rpc_without_rule_needs_a_token() -> None:
    (listener,) = bootstrap(machine())["static_resources"]["listeners"]
    filters = listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]
    rules = next(found for found in filters if found["name"].endswith("jwt_authn"))["typed_config"]["rules"]
    assert rules[-1] == {"match": {"prefix": "/igemoji."}, "requires": {"provider_name": "igemoji"}}


def test_tokens_are_checked_after_the_transcoder() -> None:
    (listener,) = bootstrap(machine())["static_resources"]["listeners"]
    filters = listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]
    names = [found["name"].removeprefix("envoy.filters.http.") for found in filters]
    assert names.index("grpc_json_transcoder") < names.index("local_ratelimit") < names.index("jwt_authn")
    assert names[-1] == "router"


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        ("/api/v1/emojis", "/api/v1/emojis", True),
        ("/api/v1/emojis", "/api/v1/emojis/", True),
        ("/api/v1/emojis", "/api/v1/emojis/x", False),
        ("/api/v1/{a}/b/{c}", "/api/v1/1/b/2", True),
        ("/api/v1/{a}/b", "/api/v1/1/2/b", False),
        ("/api/v1.0/b", "/api/v1x0/b", False),
    ],
)
def test_path_template_becomes_regular_expression(template: str, path: str, matches: bool) -> None:
    assert bool(re.fullmatch(path_regex(template), path)) == matches


def test_command_writes_and_validates_a_configuration(
    envoy: Path, certificates: Certificates, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--cert", str(certificates.cert), "--key", str(certificates.key), "--ca", str(certificates.ca)]
    output = tmp_path / "envoy.yaml"
    upstreams = [f"--upstream={service}=127.0.0.1:{7000 + number}" for number, service in enumerate(SERVICES)]
    main(["config", "--mode", "machine", *upstreams, *files, "--listen", "[::1]:8080", "--output", str(output)])
    listener = yaml.safe_load(output.read_text())["static_resources"]["listeners"][0]
    assert listener["address"]["socket_address"] == {"address": "::1", "port_value": 8080}
    main(["validate", str(output)])
    assert "Envoy accepts" in capsys.readouterr().out

    main(["config", "--mode", "cluster", *files])
    assert "emoji-catalog" in capsys.readouterr().out


def test_command_names_missing_addresses() -> None:
    files = ["--cert", "a", "--key", "b", "--ca", "c"]
    with pytest.raises(SystemExit, match="No address for: "):
        main(["config", "--mode", "machine", *files])
