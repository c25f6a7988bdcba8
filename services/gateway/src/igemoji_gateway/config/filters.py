"""The HTTP filters in order. Those before the transcoder see the REST route, those after it the gRPC route."""

from importlib import resources

from igemoji.common.v1 import access_pb2
from igemoji_gateway.config.clusters import SELF
from igemoji_gateway.config.contract import LEVELS_WITH_TOKEN, LEVELS_WITHOUT_TOKEN, access, request_limits
from igemoji_gateway.config.options import GatewayOptions
from igemoji_gateway.config.protobuf import Config, extension, header, http_filter, seconds
from igemoji_protos import Rpc

CORS = "envoy.filters.http.cors"
JWT = "envoy.filters.http.jwt_authn"
RATE_LIMIT = "envoy.filters.http.local_ratelimit"
USER_RATE_LIMIT = "igemoji.user_rate_limit"
TRANSCODER = "envoy.filters.http.grpc_json_transcoder"

LIMITS = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
"""Type of both rate limit filters; the numbers are in the routes."""

PROVIDER = "igemoji"
CLAIMS = "claims"
JWKS_PATH = "/.well-known/jwks.json"

COMPRESSED = [
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
]
"""Pictures are compressed already; an event stream would be delayed by the compressor."""

MAX_RESPONSE_BYTES = 32 << 20


def http_filters(options: GatewayOptions, rpcs: list[Rpc]) -> list[Config]:
    """Return the filter chain."""
    return [
        _security_headers(),
        http_filter("cors", "Cors"),
        http_filter("lua", "Lua", default_source_code={"inline_string": text("gateway.lua")}),
        http_filter(
            "health_check",
            "HealthCheck",
            pass_through_mode=False,
            headers=[{"name": ":path", "string_match": {"exact": "/healthz"}}],
        ),
        _compressor("gzip", "envoy.extensions.compression.gzip.compressor.v3.Gzip", preferred=False),
        _compressor("brotli", "envoy.extensions.compression.brotli.compressor.v3.Brotli", preferred=True, quality=4),
        http_filter("grpc_web", "GrpcWeb"),
        *(_body_limit(kib) for kib in request_limits(rpcs)),
        _transcoder(options, rpcs),
        extension(RATE_LIMIT, LIMITS, stat_prefix="rate_limit"),
        _tokens(options, rpcs),
        extension(USER_RATE_LIMIT, LIMITS, stat_prefix="user_rate_limit"),
        _statistics(rpcs),
        http_filter("router", "Router", suppress_envoy_headers=True),
    ]


def body_limit_name(kib: int) -> str:
    """Return the name of a body limit filter. There is one for each limit; a route disables those below its own."""
    return f"igemoji.body_size_limit.{kib}"


def _security_headers() -> Config:
    """Add security headers to every answer, unless the answer has its own, as pages do. Must be the first filter."""
    headers = {
        # An answer of the API is not a page: a browser that shows it runs and loads nothing.
        "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        # Other origins read it through CORS, if they are allowed to.
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
    mutations: list[Config] = [{"append": header(key, value, action="ADD_IF_ABSENT")} for key, value in headers.items()]
    mutations.append({"remove": "x-envoy-upstream-healthchecked-cluster"})
    return http_filter("header_mutation", "HeaderMutation", mutations={"response_mutations": mutations})


def _compressor(name: str, library: str, *, preferred: bool, **settings: int) -> Config:
    matcher = [{"prefix": content_type} for content_type in COMPRESSED]
    return extension(
        f"envoy.filters.http.compressor.{name}",
        "envoy.extensions.filters.http.compressor.v3.Compressor",
        response_direction_config={
            "common_config": {"min_content_length": 256, "content_type_matcher": matcher},
            # Otherwise a compressed answer loses its etag, which safe updates need.
            "weaken_etag_on_compress": True,
        },
        choose_first=preferred,
        compressor_library=extension(name, library, **settings),
    )


def _body_limit(kib: int) -> Config:
    return extension(
        body_limit_name(kib),
        "envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit",
        max_request_bytes=kib * 1024,
    )


def _transcoder(options: GatewayOptions, rpcs: list[Rpc]) -> Config:
    return http_filter(
        "grpc_json_transcoder",
        "GrpcJsonTranscoder",
        proto_descriptor=str(options.descriptors),
        services=list(dict.fromkeys(f"{rpc.package}.{rpc.service}" for rpc in rpcs)),
        convert_grpc_status=True,
        url_unescape_spec="ALL_CHARACTERS",
        query_param_unescape_plus=True,
        case_insensitive_enum_parsing=True,
        max_request_body_size=request_limits(rpcs)[-1] * 1024,
        max_response_body_size=MAX_RESPONSE_BYTES,
        request_validation_options={
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        print_options={
            "always_print_primitive_fields": True,
            "preserve_proto_field_names": True,
            "stream_newline_delimited": True,
            "stream_sse_style_delimited": True,
        },
    )


def _tokens(options: GatewayOptions, rpcs: list[Rpc]) -> Config:
    """Check tokens on gRPC paths, after the transcoder: the same rules for REST, gRPC and gRPC-Web.

    The last rule requires a token for every RPC without a rule.
    """
    jwks = f"http://127.0.0.1:{options.listen.port}{JWKS_PATH}"
    required = {"match": {"prefix": "/igemoji."}, "requires": _required()}
    return http_filter(
        "jwt_authn",
        "JwtAuthentication",
        providers={
            PROVIDER: {
                "issuer": options.issuer,
                "audiences": [options.audience],
                # Otherwise Envoy also accepts tokens in the query, which ends up in logs.
                "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
                # The services verify it again.
                "forward": True,
                # For the rate limits per user.
                "payload_in_metadata": CLAIMS,
                "require_expiration": True,
                "clock_skew_seconds": 10,
                "remote_jwks": {
                    "http_uri": {"uri": jwks, "cluster": SELF, "timeout": "2s"},
                    "cache_duration": seconds(300),
                    # The JWKS is fetched through the gateway's own listener, which must therefore not wait for it.
                    "async_fetch": {"fast_listener": True, "failed_refetch_duration": "0.5s"},
                },
            }
        },
        rules=[*map(_rule, rpcs), required],
    )


def _rule(rpc: Rpc) -> Config:
    level = access(rpc).level
    match: Config = {"match": {"path": rpc.path}}
    if level in LEVELS_WITHOUT_TOKEN:
        return match
    if level == access_pb2.LEVEL_OPTIONAL_USER:
        return {**match, "requires": {"requires_any": {"requirements": [_required(), {"allow_missing": {}}]}}}
    if level in LEVELS_WITH_TOKEN:
        return {**match, "requires": _required()}
    raise AssertionError(f"{rpc.path}: no rule for access level {level}")


def _required() -> Config:
    return {"provider_name": PROVIDER}


def _statistics(rpcs: list[Rpc]) -> Config:
    """Count calls by method, for the contract's methods only: counters for arbitrary paths would fill the memory."""
    services: dict[str, list[str]] = {}
    for rpc in rpcs:
        services.setdefault(f"{rpc.package}.{rpc.service}", []).append(rpc.name)
    allowlist = [{"name": name, "method_names": methods} for name, methods in services.items()]
    return http_filter(
        "grpc_stats",
        "FilterConfig",
        individual_method_stats_allowlist={"services": allowlist},
        enable_upstream_stats=True,
    )


def text(name: str) -> str:
    """Return a text file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
