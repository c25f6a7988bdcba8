"""Envoy's clusters: the services over mTLS, the gateway itself (for the JWKS), the web client's files."""

from igemoji_gateway.config.options import Address, Certificates, GatewayOptions
from igemoji_gateway.config.protobuf import Config, extension, seconds, tls_socket, typed

SELF = "gateway"
WEB = "web"
ADMIN = "admin"
TRACES = "traces"

WINDOW_BYTES = 1 << 20


def clusters(options: GatewayOptions, services: list[str]) -> list[Config]:
    """Return all upstream clusters."""
    found = [*(_service(options, service) for service in services), _self(options)]
    if options.web:
        found.append(_plain(WEB, options.web, resolve=options.resolve))
    if options.traces:
        found.append({**_plain(TRACES, options.traces, resolve=options.resolve), **_http2({})})
    if options.metrics:
        found.append(_plain(ADMIN, options.admin, resolve=False))
    return found


def _service(options: GatewayOptions, service: str) -> Config:
    return {
        **_addresses(service, options.upstreams[service], *options.replicas.get(service, ()), resolve=options.resolve),
        "connect_timeout": "2s",
        **_http2(
            {
                "initial_stream_window_size": WINDOW_BYTES,
                "initial_connection_window_size": 4 * WINDOW_BYTES,
                "connection_keepalive": {"interval": "30s", "timeout": "5s"},
            }
        ),
        "transport_socket": _mtls(options.certificates, f"{service}.igemoji.internal"),
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "2s",
                # Often while a service is down, so that the mesh is ready soon after its last service.
                "unhealthy_interval": "0.25s",
                "no_traffic_interval": "2s",
                "no_traffic_healthy_interval": "2s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "grpc_health_check": {},
            }
        ],
        # Remove a host that is no longer in DNS, even while it still answers health checks.
        "ignore_health_on_host_removal": True,
        # Count only errors that another replica might not have: INTERNAL from a bug is the same on all.
        "outlier_detection": {
            "consecutive_gateway_failure": 5,
            "enforcing_consecutive_gateway_failure": 100,
            "enforcing_consecutive_5xx": 0,
            "enforcing_success_rate": 0,
            "interval": "5s",
            "base_ejection_time": "10s",
            "max_ejection_percent": 50,
        },
        "circuit_breakers": _circuit_breakers(options, service),
    }


def _circuit_breakers(options: GatewayOptions, service: str) -> Config:
    """Limit the concurrent calls to a service; more are refused here at once, instead of queueing in the service.

    Streams, which are mostly idle, and the JWKS, without which no token can be checked, are counted separately: HIGH.
    """
    addresses = 1 + len(options.replicas.get(service, ()))
    at_once = {"DEFAULT": options.calls_at_once * addresses, "HIGH": options.streams_at_once * addresses}
    return {
        "thresholds": [
            {
                "priority": priority,
                "max_connections": 256,
                "max_pending_requests": 512,
                "max_requests": most,
                "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 10},
            }
            for priority, most in at_once.items()
        ]
    }


def _http2(options: Config) -> Config:
    kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    protocol = typed(kind, explicit_http_config={"http2_protocol_options": options})
    return {"typed_extension_protocol_options": {kind: protocol}}


def _mtls(certificates: Certificates, name: str) -> Config:
    """Present the gateway's certificate and accept `name` only: other certificates of the authority are refused."""
    return tls_socket(
        "UpstreamTlsContext",
        sni=name,
        common_tls_context={
            "alpn_protocols": ["h2"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "tls_certificates": [key_pair(certificates)],
            "validation_context": {
                "trusted_ca": {"filename": str(certificates.ca)},
                "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": name}}],
            },
        },
    )


def key_pair(certificates: Certificates) -> Config:
    """Return a certificate with its key, as Envoy's TLS contexts take it."""
    return {
        "certificate_chain": {"filename": str(certificates.cert)},
        "private_key": {"filename": str(certificates.key)},
    }


def _self(options: GatewayOptions) -> Config:
    """Return the gateway as its own upstream: it fetches the JWKS through its own listener."""
    listen = options.listen
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104
    cluster = _plain(SELF, Address(host, listen.port), resolve=False)
    if options.tls:
        trusted = {"validation_context": {"trusted_ca": {"filename": str(options.tls.ca)}}}
        cluster["transport_socket"] = tls_socket("UpstreamTlsContext", common_tls_context=trusted)
    return cluster


def _plain(name: str, address: Address, *, resolve: bool) -> Config:
    return {**_addresses(name, address, resolve=resolve), "connect_timeout": "2s"}


def _addresses(name: str, *addresses: Address, resolve: bool) -> Config:
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": address.host, "port_value": address.port}}}}
        for address in addresses
    ]
    # Like `type: STRICT_DNS`: every address of the name is a host.
    dns = extension(
        "envoy.clusters.dns",
        "envoy.extensions.clusters.dns.v3.DnsCluster",
        dns_lookup_family="ALL",
        dns_refresh_rate=seconds(5),
    )
    return {
        "name": name,
        **({"cluster_type": dns} if resolve else {"type": "STATIC"}),
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
