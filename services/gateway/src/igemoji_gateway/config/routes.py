"""Routes: one for each RPC of the contract and for each page; all other requests are answered with 404.

A REST request is matched twice: by its own path for the filters before the transcoder, then by the path of its RPC.
"""

import math
import re

from google.api import http_pb2

from igemoji_gateway.config import contract, filters
from igemoji_gateway.config.clusters import WEB
from igemoji_gateway.config.contract import DEFAULT_MAX_REQUEST_KIB, max_request_kib
from igemoji_gateway.config.options import GatewayOptions
from igemoji_gateway.config.protobuf import Config, extension, header, on_method, seconds, typed
from igemoji_gateway.docs import pages as docs
from igemoji_protos import Rpc

REST_PREFIX = "/api/"
HTML = "text/html; charset=utf-8"

TIMEOUT_SECONDS = 15
UPLOAD_TIMEOUT_SECONDS = 60
STREAM_IDLE_SECONDS = 300

UPLOAD_KIB = 1024
"""RPCs with a larger size limit are uploads and have a longer timeout."""

RETRY_ON = "unavailable,reset,reset-before-request,connect-failure,refused-stream"

COUNTED_WITH_STREAMS = ("Jwks",)
"""Calls under the circuit breaker of streams: tokens can be checked even while calls are refused."""

TRACKED = 20_000
"""Number of addresses, and of users, with a rate limit of their own. Envoy's default is 20: the 21st would evict the
first."""

ADDRESS: Config = {"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}
"""Address of the client; for IPv6 its /64, the usual network of one customer."""

USER_KEY = "user"
USER: Config = {
    "metadata": {
        "descriptor_key": USER_KEY,
        "source": "DYNAMIC",
        "metadata_key": {"key": filters.JWT, "path": [{"key": filters.CLAIMS}, {"key": "sub"}]},
        "skip_if_absent": True,
    }
}
"""The user id of the token: one user may have many addresses."""

WITHOUT_TOKEN = typed("envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig", disabled=True)
DISABLED = typed("envoy.config.route.v3.FilterConfig", disabled=True)


def route_configuration(options: GatewayOptions, rpcs: list[Rpc]) -> Config:
    """Return all routes."""
    limits = contract.request_limits(rpcs)
    uploads = [rpc for rpc in rpcs if max_request_kib(rpc) > DEFAULT_MAX_REQUEST_KIB]
    host: Config = {
        "name": "igemoji",
        "domains": ["*"],
        "routes": [
            *(_rpc(rpc, options, limits) for rpc in rpcs),
            *(_upload(rpc, binding, limits) for rpc in uploads for binding in rpc.bindings),
            _page("/api/openapi.json", {"filename": str(options.openapi)}, "application/json"),
            *_docs(options),
            # Only requests that the transcoder ignores get here, such as gRPC on a REST path.
            {**_not_found({"prefix": REST_PREFIX}), "name": "rest"},
            {**_not_found({"prefix": "/.well-known/"}), "name": "well-known"},
            # Internal and unknown RPCs: the same answer with and without a token.
            {
                **_not_found({"prefix": "/igemoji."}),
                "name": "no such rpc",
                "typed_per_filter_config": {filters.JWT: WITHOUT_TOKEN},
            },
            *([_website()] if options.web else [_landing(), _not_found({"prefix": "/"})]),
        ],
    }
    if options.allowed_origins:
        host["typed_per_filter_config"] = {filters.CORS: _cors(options.allowed_origins)}
    return {
        "name": "igemoji",
        "virtual_hosts": [host],
        # Swagger UI has one file of 1.7 MB.
        "max_direct_response_body_size_bytes": 4 << 20,
        # One cluster does not exist on purpose: see `_not_found`.
        "validate_clusters": False,
    }


def _rpc(rpc: Rpc, options: GatewayOptions, limits: list[int]) -> Config:
    per_minute = contract.per_minute(rpc) * options.rate_factor
    route: Config = {
        "name": rpc.path,
        "match": {"path": rpc.path},
        "route": _forward(rpc),
        "metadata": _size_limit(max_request_kib(rpc)),
        "typed_per_filter_config": {
            **_smaller_limits_off(rpc, limits),
            filters.RATE_LIMIT: _rate_limit(per_minute, ADDRESS, "masked_remote_address"),
            filters.USER_RATE_LIMIT: _rate_limit(per_minute, USER, USER_KEY),
        },
    }
    if rpc.server_streaming:
        route["response_headers_to_add"] = [header("x-accel-buffering", "no", action="ADD_IF_ABSENT")]
    else:
        # REST requests have no deadline: the service gets the timeout of the route.
        route["request_headers_to_add"] = [header("grpc-timeout", f"{_timeout(rpc)}S", action="ADD_IF_ABSENT")]
    if not contract.takes_cookie(rpc):
        # The refresh token goes only to RPCs that take it, whatever the cookie's path is.
        route["request_headers_to_remove"] = ["cookie"]
    return route


def _forward(rpc: Rpc) -> Config:
    forward: Config = {"cluster": contract.service_name(rpc)}
    if rpc.server_streaming or rpc.name in COUNTED_WITH_STREAMS:
        forward["priority"] = "HIGH"
    if rpc.server_streaming:
        return {**forward, "timeout": "0s", "idle_timeout": seconds(STREAM_IDLE_SECONDS)}
    # One second more, for the service's own DEADLINE_EXCEEDED to arrive.
    forward["timeout"] = seconds(_timeout(rpc) + 1)
    if rpc.retryable:
        another_host = extension(
            "envoy.retry_host_predicates.previous_hosts",
            "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        )
        forward["retry_policy"] = {
            "retry_on": RETRY_ON,
            "num_retries": 2,
            "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
            "retry_host_predicate": [another_host],
            "host_selection_retry_max_attempts": 3,
        }
    return forward


def _timeout(rpc: Rpc) -> int:
    return UPLOAD_TIMEOUT_SECONDS if max_request_kib(rpc) > UPLOAD_KIB else TIMEOUT_SECONDS


def _upload(rpc: Rpc, binding: http_pb2.HttpRule, limits: list[int]) -> Config:
    """Return the REST route of an RPC with a larger size limit, because that filter is before the transcoder."""
    method, template = contract.rest_call(binding)
    return {
        **_not_found(on_method(method, safe_regex={"regex": path_regex(template)})),
        "name": f"{method} {template}",
        "metadata": _size_limit(max_request_kib(rpc)),
        "typed_per_filter_config": _smaller_limits_off(rpc, limits),
    }


def path_regex(template: str) -> str:
    """Return a regular expression for a path template of google.api.http, with an optional slash at the end."""
    literals = re.split(r"\{[^}]*\}", template)
    return r"[^/]+".join(re.escape(literal) for literal in literals) + "/?"


def _size_limit(kib: int) -> Config:
    """Return metadata for the message of 413."""
    return {"filter_metadata": {"igemoji": {"max_request_kib": str(kib)}}}


def _smaller_limits_off(rpc: Rpc, limits: list[int]) -> Config:
    return {filters.body_limit_name(kib): DISABLED for kib in limits if kib < max_request_kib(rpc)}


def _rate_limit(calls_per_minute: int, identify: Config, key: str) -> Config:
    """Return a token bucket for each value that the action `identify` finds under a key."""
    return typed(
        "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="rate_limit",
        filter_enabled={"default_value": {"numerator": 100}},
        filter_enforced={"default_value": {"numerator": 100}},
        # Envoy also needs a bucket for requests without such a value, for example without a user.
        token_bucket=_bucket(1_000_000, "1s"),
        rate_limits=[{"actions": [identify]}],
        descriptors=[{"entries": [{"key": key}], "token_bucket": _bucket(calls_per_minute, "60s")}],
        max_dynamic_descriptors=TRACKED,
        response_headers_to_add=[header("retry-after", str(math.ceil(60 / calls_per_minute)))],
    )


def _bucket(tokens: int, interval: str) -> Config:
    return {"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": interval}


def _docs(options: GatewayOptions) -> list[Config]:
    """Return the routes of Swagger UI: the page, also with a slash at the end, and its files."""
    page = {"inline_string": docs.page()}
    files = {name: ({"filename": str(options.docs / name)}, kind) for name, kind in docs.FILES.items()}
    files["start.js"] = ({"inline_string": docs.script()}, "text/javascript; charset=utf-8")
    forever = "public, max-age=31536000, immutable"
    return [
        *(_page(path, page, HTML, policy=docs.CONTENT_SECURITY_POLICY) for path in (docs.PATH, f"{docs.PATH}/")),
        *(_page(f"{docs.files_path()}/{name}", body, kind, forever) for name, (body, kind) in files.items()),
    ]


def _landing() -> Config:
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    return _page("/", {"inline_string": filters.text("landing.html")}, HTML, policy=policy)


def _page(path: str, body: Config, content_type: str, caching: str = "no-cache", policy: str = "") -> Config:
    headers = {"content-type": content_type, "cache-control": caching, "content-security-policy": policy}
    return {
        "name": path,
        "match": on_method("GET", path=path),
        "direct_response": {"status": 200, "body": body},
        "response_headers_to_add": [header(name, value) for name, value in headers.items() if value],
        "typed_per_filter_config": {filters.TRANSCODER: DISABLED},
    }


def _website() -> Config:
    return {
        "name": "web",
        "match": {"prefix": "/"},
        "route": {"cluster": WEB, "timeout": seconds(TIMEOUT_SECONDS)},
        "metadata": _size_limit(DEFAULT_MAX_REQUEST_KIB),
        "typed_per_filter_config": {filters.TRANSCODER: DISABLED},
    }


def _not_found(match: Config) -> Config:
    """Return a route that answers 404. Not a direct response, to which the CORS filter would not apply."""
    return {
        "match": match,
        "route": {"cluster": "nowhere", "cluster_not_found_response_code": "NOT_FOUND"},
        "metadata": _size_limit(DEFAULT_MAX_REQUEST_KIB),
    }


def _cors(origins: tuple[str, ...]) -> Config:
    return typed(
        "envoy.extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in origins],
        allow_methods="GET, POST, PUT, PATCH, DELETE, OPTIONS",
        allow_headers="authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, "
        "grpc-timeout, x-grpc-web, x-requested-with, x-user-agent",
        expose_headers="location, etag, idempotent-replayed, retry-after, x-request-id, grpc-status, grpc-message",
        max_age="86400",
        allow_credentials=True,
    )
