"""The listener: limits, header cleaning, access log and tracing of all requests."""

from igemoji_gateway.config.clusters import ADMIN, TRACES, key_pair
from igemoji_gateway.config.filters import http_filters
from igemoji_gateway.config.options import Address, Certificates, GatewayOptions
from igemoji_gateway.config.protobuf import Config, extension, http_filter, on_method, seconds, tls_socket
from igemoji_gateway.config.replies import local_reply_config
from igemoji_gateway.config.routes import route_configuration
from igemoji_protos import Rpc

MANAGER = "envoy.filters.network.http_connection_manager"
MANAGER_TYPE = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

SPOOFABLE_PREFIXES = ("x-user-", "x-caller", "x-envoy-", "x-igemoji-")
SPOOFABLE = (
    "x-jwt-payload",
    "x-http-code",
    "x-request-id",
    "traceparent",
    "tracestate",
    "forwarded",
    "x-real-ip",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-forwarded-client-cert",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
)
"""Headers that the gateway and the services trust, or other programs do: removed from requests of clients."""

FROM_PROXIES = ("x-forwarded-for", "x-forwarded-proto")
"""Trusted only from a proxy in front of the gateway."""

IDLE_SECONDS = 620
"""Longer than load balancers keep idle connections (600 s at most, Google's), so that none sends a request on a
connection that is being closed."""

UNLOGGED_PATHS = "/api/v1/shared/"
"""Share links: the path is a secret, so it is not logged."""

LOG_FIELDS = {
    "time": "%START_TIME%",
    "event": "request",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    # Without the query, which may hold an e-mail address.
    "path": "%PATH(NQ:ORIG_OR_PATH)%",
    "rpc": "%ROUTE_NAME%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    # For gRPC clients: in the trailers, or in the headers of an error. %GRPC_STATUS% would invent one for REST.
    "grpc_status": "%TRAILER(GRPC-STATUS)%%RESP(GRPC-STATUS)%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "received_bytes": "%BYTES_RECEIVED%",
    "sent_bytes": "%BYTES_SENT%",
    "upstream": "%UPSTREAM_CLUSTER%",
    "upstream_host": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
}


def listener(options: GatewayOptions, rpcs: list[Rpc]) -> Config:
    """Return the listener for clients."""
    manager = extension(
        MANAGER,
        MANAGER_TYPE,
        stat_prefix="edge",
        server_name="igemoji",
        use_remote_address=True,
        xff_num_trusted_hops=options.trusted_proxies,
        # Private addresses are not trusted: on one machine every client has one.
        internal_address_config={"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        generate_request_id=True,
        always_set_request_id_in_response=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        early_header_mutation_extensions=[_identity_headers_off(options)],
        max_request_headers_kb=32,
        request_headers_timeout="10s",
        # Long enough for a photo over a slow line; ends requests that never complete.
        request_timeout="300s",
        stream_idle_timeout="300s",
        common_http_protocol_options={
            "idle_timeout": seconds(IDLE_SECONDS),
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": 100,
        },
        # Flow control windows. More than the guide's 64 KiB per stream, with which an upload over a long line is slow.
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 256 << 10,
            "initial_connection_window_size": 1 << 20,
        },
        access_log=[
            _log(LOG_FIELDS, unlogged_path=False),
            _log({name: value for name, value in LOG_FIELDS.items() if name != "path"}, unlogged_path=True),
        ],
        **({"tracing": _tracing()} if options.traces else {}),
        local_reply_config=local_reply_config(),
        route_config=route_configuration(options, rpcs),
        http_filters=http_filters(options, rpcs),
    )
    return _listener("edge", options.listen, manager, options.tls)


def _log(fields: Config, *, unlogged_path: bool) -> Config:
    """Return the access log of the requests with a loggable path, or of those with a secret one."""
    header = {
        "name": "x-envoy-original-path",
        "string_match": {"prefix": UNLOGGED_PATHS},
        "invert_match": not unlogged_path,
        # A request that was not transcoded has no such header and no secret in its path.
        "treat_missing_header_as_empty": True,
    }
    return {
        **extension(
            "envoy.access_loggers.stdout",
            "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            log_format={"json_format": fields, "omit_empty_values": True},
        ),
        "filter": {"header_filter": {"header": header}},
    }


def _tracing() -> Config:
    """Trace each request, as the parent of the services' spans. Spans are named for the RPC, not the path."""
    provider = extension(
        "envoy.tracers.opentelemetry",
        "envoy.config.trace.v3.OpenTelemetryConfig",
        grpc_service={"envoy_grpc": {"cluster_name": TRACES}, "timeout": "2s"},
        service_name="gateway",
    )
    return {
        "provider": provider,
        "operation": "%ROUTE_NAME%",
        # The URL tag would contain e-mail addresses and secrets of share links.
        "max_path_tag_length": 0,
        "custom_tags": [{"tag": "igemoji.request_id", "request_header": {"name": "x-request-id"}}],
        "spawn_upstream_span": True,
    }


def metrics_listener(address: Address) -> Config:
    """Return a listener for two pages of the admin API, for scrapes and probes; the rest stays unreachable."""
    pages = ("/stats/prometheus", "/ready")
    routes = [{"match": on_method("GET", path=page), "route": {"cluster": ADMIN}} for page in pages]
    manager = extension(
        MANAGER,
        MANAGER_TYPE,
        stat_prefix="metrics",
        route_config={
            "name": "metrics",
            "virtual_hosts": [{"name": "metrics", "domains": ["*"], "routes": routes}],
        },
        http_filters=[http_filter("router", "Router")],
    )
    return _listener("metrics", address, manager)


def _listener(name: str, address: Address, manager: Config, tls: Certificates | None = None) -> Config:
    socket: Config = {"transport_socket": _https(tls), "transport_socket_connect_timeout": "10s"} if tls else {}
    return {
        "name": name,
        "address": {"socket_address": {"address": address.host, "port_value": address.port}},
        # Otherwise a second Envoy on the same port starts and receives half of the connections.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": 32 << 10,
        "filter_chains": [{"filters": [manager], **socket}],
    }


def _https(tls: Certificates) -> Config:
    return tls_socket(
        "DownstreamTlsContext",
        common_tls_context={
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificates": [key_pair(tls)],
        },
    )


def _identity_headers_off(options: GatewayOptions) -> Config:
    """Remove untrusted headers before routing, for all routes."""
    names = SPOOFABLE if options.trusted_proxies else (*SPOOFABLE, *FROM_PROXIES)
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[
            *({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in SPOOFABLE_PREFIXES),
            *({"remove": name} for name in names),
        ],
    )
