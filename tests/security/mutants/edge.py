"""The gateway, rate limits and quotas."""

from .edits import Entry, Replace, Without
from .mutant import Mutant

IDENTITY_HEADERS = "test_identity_headers_of_clients_are_removed"
GATEWAY_ERRORS = "test_envoy_errors_have_the_form_of_service_errors"
HEADER_LIMITS = "test_size_and_number_of_headers_are_limited"
SLOW = "test_slow_senders_are_disconnected"

LISTENER = "igemoji_gateway.config.listener:listener"

MUTANTS = (
    # Headers, paths and hosts
    Mutant(
        "Clients can't set internal headers",
        "igemoji_gateway.config.listener:_identity_headers_off",
        Without('*({"remove": _} for _ in _)'),
        IDENTITY_HEADERS,
    ),
    Mutant(
        "Clients can't set headers with an internal prefix",
        "igemoji_gateway.config.listener:_identity_headers_off",
        Without('*({"remove_on_match": _} for _ in _)'),
        IDENTITY_HEADERS,
    ),
    Mutant(
        "Header names with underscores are rejected",
        LISTENER,
        Entry("headers_with_underscores_action", '"ALLOW"'),
        GATEWAY_ERRORS,
    ),
    Mutant(
        "The size of request headers is limited",
        LISTENER,
        Entry("max_request_headers_kb"),
        HEADER_LIMITS,
    ),
    Mutant(
        "The number of request headers is limited",  # Without the entry it would be the same: Envoy's default.
        LISTENER,
        Entry("max_headers_count", "1000"),
        HEADER_LIMITS,
    ),
    Mutant(
        "Paths with escaped slashes are rejected",
        LISTENER,
        Entry("path_with_escaped_slashes_action"),
        GATEWAY_ERRORS,
    ),
    Mutant(
        "Invalid Host headers are rejected",
        "gateway.lua:envoy_on_request",
        Replace("if string.find(*_) then", "if false then"),
        "test_ambiguous_requests_are_refused[two hosts]",
    ),
    # Size and time limits
    Mutant(
        "The size of request bodies is limited",
        "igemoji_gateway.config.filters:_body_limit",
        Entry("max_request_bytes", "OLD * 1024"),
        "test_too_large_body_is_refused_before_it_is_sent",
    ),
    Mutant(
        "Clients that send headers slowly are disconnected (slowloris)",
        LISTENER,
        Entry("request_headers_timeout"),
        f"{SLOW}[a header]",
    ),
    Mutant(
        "Clients that send a body slowly are disconnected (slowloris)",
        LISTENER,
        Entry("request_timeout"),
        f"{SLOW}[a byte of the body]",
    ),
    Mutant(
        "Clients that stop in the middle of a body are disconnected",
        LISTENER,
        Entry("stream_idle_timeout", '"0s"'),
        f"{SLOW}[the beginning of a body]",
    ),
    Mutant(
        "Idle connections are closed",
        LISTENER,
        Entry("idle_timeout"),
        f"{SLOW}[nothing]",
    ),
    Mutant(
        "Clients that don't read responses are disconnected",
        LISTENER,
        Entry("idle_timeout"),
        "test_slow_readers_are_disconnected",
    ),
    Mutant(
        "Clients that don't finish the TLS handshake are disconnected",
        "igemoji_gateway.config.listener:_listener",
        Entry("transport_socket_connect_timeout"),
        "test_unfinished_handshakes_are_disconnected",
    ),
    Mutant(
        "Concurrent streams of a connection are limited",
        LISTENER,
        Entry("max_concurrent_streams"),
        "test_concurrent_streams_are_limited",
    ),
    Mutant(
        "Concurrent connections are limited",
        "igemoji_gateway.config.overload:overload",
        Entry("max_active_downstream_connections", "1_000_000"),
        "test_excess_connections_are_closed",
    ),
    Mutant(
        "A gateway without free memory rejects requests (load shedding)",
        "igemoji_gateway.config.overload:overload",
        Without('_action("stop_accepting_requests", *_)'),
        "test_gateway_without_memory_refuses_requests_and_recovers",
    ),
    Mutant(
        "A gateway without free memory resets the largest streams (load shedding)",
        "igemoji_gateway.config.overload:overload",
        Without('_action("reset_high_memory_stream", *_)'),
        "test_gateway_without_memory_resets_large_streams_and_recovers",
    ),
    Mutant(
        "Calls are rate limited by client address",
        "igemoji_gateway.config.routes:_rpc",
        Entry("RATE_LIMIT"),
        "test_calls_are_limited_by_address",
    ),
    Mutant(
        "Clients in one IPv6 /64 share a rate limit",
        "igemoji_gateway.config.routes:ADDRESS",
        Entry("v6_prefix_mask_len", "128"),
        "test_ipv6_network_shares_one_rate_limit",
    ),
    Mutant(
        "Calls are rate limited by user",
        "igemoji_gateway.config.routes:_rpc",
        Entry("USER_RATE_LIMIT"),
        "test_calls_are_limited_by_user",
    ),
    Mutant(
        "Sustained overload narrows the circuit breaker (load shedding)",
        "igemoji_gateway.runtime.adaptive_breaker:_update",
        Replace("_ == OVERLOADED_POLLS", "False"),
        "test_sustained_overload_narrows_the_circuit_breaker_until_it_ends",
    ),
    Mutant(
        "Users have a quota of open tasks",
        "igemoji_inference.domain.quotas:Quotas.check",
        Without("raise TooManyOpenTasks(*_)"),
        "test_open_tasks_beyond_the_quota_are_refused_with_retry_after",
    ),
    Mutant(
        "Users have a quota of photos per day",
        "igemoji_inference.domain.quotas:Quotas.check",
        Without("raise TooManyPhotosToday(*_)"),
        "test_daily_quota_counts_deleted_photos",
    ),
    Mutant(
        "Users have a quota of watched tasks",
        "igemoji_inference.domain.quotas:WatchLimiter.watch",
        Without("raise TooManyWatchers(*_)"),
        "test_watch_quota_is_freed_when_a_watch_ends",
    ),
    # Browsers
    Mutant(
        "Responses have security headers",
        "igemoji_gateway.config.filters:_security_headers",
        Replace("_.items()", "()"),
        "test_answers_have_security_headers_and_no_internal_ones",
    ),
    Mutant(
        "API responses have a content security policy",
        "igemoji_gateway.config.filters:_security_headers",
        Entry("content-security-policy"),
        "test_every_response_has_security_headers",
    ),
    Mutant(
        "Browsers use HTTPS only (HSTS)",
        "gateway.lua:envoy_on_response",
        Without('headers:replace("strict-transport-security", *_)'),
        "test_hsts_over_https",
    ),
    Mutant(
        "TLS below 1.2 is rejected",  # The ciphers that Envoy offers need 1.2 too.
        "igemoji_gateway.config.listener:_https",
        Entry(
            "tls_params",
            '{"tls_minimum_protocol_version": "TLSv1_0", "cipher_suites": ["ECDHE-ECDSA-AES128-SHA"]}',
        ),
        "test_old_tls_is_refused",
    ),
    Mutant(
        "Pages of other origins can't read responses (CORS)",
        "igemoji_gateway.config.routes:_cors",
        Entry("allow_origin_string_match", '[{"prefix": origin} for origin in origins]'),
        "test_other_origins_can_not_read_responses[https://igemoji.example.evil.example]",
    ),
)
