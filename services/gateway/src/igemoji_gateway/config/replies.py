"""Envoy's own answers in the words of the contract: google.rpc.Status with one ErrorInfo, as the services' errors."""

from dataclasses import dataclass

from igemoji_gateway.config.protobuf import Config, extension, header

SPEAKS_GRPC = "'igemoji' in metadata.filter_metadata && 'grpc' in metadata.filter_metadata['igemoji']"
"""Set by edge.lua for clients that speak gRPC or gRPC-Web themselves."""

BODY = "%LOCAL_REPLY_BODY%"
MAX_REQUEST_KIB = "%METADATA(ROUTE:igemoji:max_request_kib)%"


@dataclass(frozen=True)
class Reply:
    """One kind of answer: when it is given and what it says."""

    when: str
    """A CEL expression over Envoy's attributes."""
    code: int
    """A google.rpc.Code."""
    reason: str
    message: str
    status: int | None = None
    """Another HTTP status than Envoy's."""
    grpc_code: int | None = None
    """Another google.rpc.Code for those who speak gRPC."""
    retry_after: int | None = None
    """In how many seconds to try again, where no filter says it."""


def jwt_failure(detail: str) -> str:
    return f"response.code_details.startsWith('jwt_authn_access_denied{{{detail}')"


REPLIES = [
    # The circuit breaker: as many calls are under way as can be answered soon. It is the first to be looked for, since
    # it is said most often when there is the least time.
    Reply(
        "response.code == 503 && response.code_details.startsWith('upstream_reset_before_response_started{overflow')",
        14,
        "OVERLOADED",
        "Too many people ask at this moment. Try again in a second.",
        retry_after=1,
    ),
    # A valid token cannot be told from a forged one while the keys are unknown: it is not the client's mistake.
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
    # Envoy's 403 for a token that is meant for somebody else: it is not a token of ours, as with a foreign issuer.
    Reply(
        jwt_failure("Audiences_in_Jwt_are_not_allowed"),
        16,
        "TOKEN_INVALID",
        "The access token is not valid here.",
        status=401,
    ),
    Reply("response.code == 401", 16, "TOKEN_INVALID", "The access token is not valid here."),
    Reply("response.code == 400", 3, "INVALID_REQUEST", f"The request cannot be understood. {BODY}"),
    Reply("response.code == 403", 7, "FORBIDDEN", "This is not allowed."),
    Reply(
        "response.code == 404",
        5,
        "NO_SUCH_CALL",
        "There is no such call. GET /api/openapi.json lists them all.",
        grpc_code=12,
    ),
    Reply("response.code == 408", 4, "REQUEST_TIMEOUT", "The request did not arrive in time."),
    Reply(
        "response.code == 413",
        8,
        "REQUEST_TOO_LARGE",
        f"The request is too large: this call takes at most {MAX_REQUEST_KIB} KiB.",
    ),
    Reply(
        "response.code == 429",
        8,
        "RATE_LIMITED",
        "Too many requests. Retry-After says in how many seconds to try again.",
    ),
    Reply("response.code == 431", 8, "HEADERS_TOO_LARGE", "The request's headers are too large."),
    Reply("response.code == 501", 12, "NOT_IMPLEMENTED", "This is not implemented."),
    Reply(
        "response.code in [502, 503]",
        14,
        "SERVICE_UNAVAILABLE",
        "The service behind this call cannot be reached right now. Try again in a moment.",
        retry_after=2,
    ),
    Reply("response.code == 504", 4, "DEADLINE_EXCEEDED", "The service behind this call took too long."),
    Reply("response.code >= 500", 13, "INTERNAL", "Something went wrong."),
    Reply("response.code >= 400", 2, "REFUSED", f"The request was refused. {BODY}"),
]


def local_reply_config() -> Config:
    return {"mappers": [mapper for reply in REPLIES for mapper in (_for_grpc(reply), _as_json(reply))]}


def _for_grpc(reply: Reply) -> Config:
    """The text becomes grpc-message; the status stays in grpc-status."""
    return {
        **_mapper(f"({reply.when}) && ({SPEAKS_GRPC})", reply),
        "body_format_override": {"text_format_source": {"inline_string": reply.message}},
        "headers_to_add": [header("grpc-status", str(reply.grpc_code or reply.code)), *_retry_after(reply)],
    }


def _as_json(reply: Reply) -> Config:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reply.reason,
        "domain": "igemoji",
        "metadata": {},
    }
    return {
        **_mapper(reply.when, reply),
        "body_format_override": {
            "content_type": "application/json",
            "json_format": {"code": reply.code, "message": reply.message, "details": [info]},
        },
        **({"headers_to_add": _retry_after(reply)} if reply.retry_after else {}),
    }


def _retry_after(reply: Reply) -> list[Config]:
    return [header("retry-after", str(reply.retry_after))] if reply.retry_after else []


def _mapper(when: str, reply: Reply) -> Config:
    expression = extension(
        "envoy.access_loggers.extension_filters.cel",
        "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        expression=when,
    )
    mapper: Config = {"filter": {"extension_filter": expression}}
    if reply.status:
        mapper["status_code"] = reply.status
    return mapper
