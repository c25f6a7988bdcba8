"""Envoy's own errors in the form of the contract: google.rpc.Status with one ErrorInfo, like those of services."""

from dataclasses import dataclass

from igemoji_gateway.config.protobuf import Config, extension, header, typed

SPEAKS_GRPC = "'igemoji' in metadata.filter_metadata && 'grpc' in metadata.filter_metadata['igemoji']"
"""True for clients that use gRPC or gRPC-Web; set by gateway.lua."""

BODY = "%LOCAL_REPLY_BODY%"
MAX_REQUEST_KIB = "%METADATA(ROUTE:igemoji:max_request_kib)%"


@dataclass(frozen=True)
class Reply:
    """Mapping of one error: its condition and its answer."""

    when: int | str
    """HTTP status, or a CEL expression over Envoy's attributes."""
    code: int
    """Number of a google.rpc.Code."""
    reason: str
    message: str
    status: int | None = None
    """HTTP status instead of Envoy's."""
    grpc_code: int | None = None
    """google.rpc.Code for gRPC clients, if it differs."""
    retry_after: int | None = None
    """Seconds for Retry-After, unless a filter sets it."""


NOT_VALID_HERE = "The access token is not valid here."


def jwt_failure(detail: str) -> str:
    """Return the condition for a failed token check."""
    return f"response.code_details.startsWith('jwt_authn_access_denied{{{detail}')"


REPLIES = [
    # The circuit breaker is open. First in the list, because it is the most frequent error when time is shortest.
    Reply(
        "response.code == 503 && response.code_details.startsWith('upstream_reset_before_response_started{overflow')",
        14,
        "OVERLOADED",
        "The service is overloaded. Try again in a second.",
        retry_after=1,
    ),
    # Without the JWKS, valid tokens cannot be told from forged ones: not the client's fault.
    Reply(
        jwt_failure("Jwks_remote_fetch_is_failed"),
        14,
        "TOKEN_KEYS_UNAVAILABLE",
        "Tokens cannot be checked right now. Try again in a moment.",
        status=503,
        retry_after=1,
    ),
    Reply(
        jwt_failure("Jwt_is_missing"),
        16,
        "TOKEN_MISSING",
        "This call needs an access token: log in with POST /api/v1/users/auth and send its access_token in the header "
        "'Authorization: Bearer <access_token>'.",
    ),
    Reply(jwt_failure("Jwt_is_expired"), 16, "TOKEN_EXPIRED", "The access token has expired. Log in again."),
    # Envoy answers 403 for a foreign audience; it is an invalid token like one of a foreign issuer.
    Reply(jwt_failure("Audiences_in_Jwt_are_not_allowed"), 16, "TOKEN_INVALID", NOT_VALID_HERE, status=401),
    Reply(401, 16, "TOKEN_INVALID", NOT_VALID_HERE),
    Reply(400, 3, "INVALID_REQUEST", f"The request cannot be understood. {BODY}"),
    Reply(403, 7, "FORBIDDEN", "You are not allowed to do this."),
    Reply(404, 5, "NO_SUCH_CALL", "This call does not exist. GET /api/openapi.json lists all calls.", grpc_code=12),
    Reply(408, 4, "REQUEST_TIMEOUT", "The request did not arrive in time."),
    Reply(413, 8, "REQUEST_TOO_LARGE", f"The request is too large: this call takes at most {MAX_REQUEST_KIB} KiB."),
    Reply(429, 8, "RATE_LIMITED", "Too many requests. Try again after the seconds in Retry-After."),
    Reply(431, 8, "HEADERS_TOO_LARGE", "The request's headers are too large."),
    Reply(501, 12, "NOT_IMPLEMENTED", "This call is not implemented."),
    Reply(
        "response.code in [502, 503]",
        14,
        "SERVICE_UNAVAILABLE",
        "The service behind this call cannot be reached right now. Try again in a moment.",
        retry_after=2,
    ),
    Reply(504, 4, "DEADLINE_EXCEEDED", "The service behind this call took too long."),
    Reply("response.code >= 500", 13, "INTERNAL", "Something went wrong."),
    Reply("response.code >= 400", 2, "REFUSED", f"The request was refused. {BODY}"),
]


def local_reply_config() -> Config:
    """Return the mappers of all errors: for gRPC clients, then as JSON."""
    return {"mappers": [mapper for reply in REPLIES for mapper in (_for_grpc(reply), _as_json(reply))]}


def _for_grpc(reply: Reply) -> Config:
    """Map an error for gRPC clients: the text becomes grpc-message."""
    return {
        **_mapper(f"({_condition(reply)}) && ({SPEAKS_GRPC})", reply),
        "body_format_override": {"text_format_source": {"inline_string": reply.message}},
        "headers_to_add": [header("grpc-status", str(reply.grpc_code or reply.code)), *_retry_after(reply)],
    }


def _as_json(reply: Reply) -> Config:
    info = typed("google.rpc.ErrorInfo", reason=reply.reason, domain="igemoji", metadata={})
    return {
        **_mapper(_condition(reply), reply),
        "body_format_override": {
            "content_type": "application/json",
            "json_format": {"code": reply.code, "message": reply.message, "details": [info]},
        },
        **({"headers_to_add": _retry_after(reply)} if reply.retry_after else {}),
    }


def _retry_after(reply: Reply) -> list[Config]:
    return [header("retry-after", str(reply.retry_after))] if reply.retry_after else []


def _condition(reply: Reply) -> str:
    return reply.when if isinstance(reply.when, str) else f"response.code == {reply.when}"


def _mapper(when: str, reply: Reply) -> Config:
    expression = extension(
        "envoy.access_loggers.extension_filters.cel",
        "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        expression=when,
    )
    status = {"status_code": reply.status} if reply.status else {}
    return {"filter": {"extension_filter": expression}, **status}
