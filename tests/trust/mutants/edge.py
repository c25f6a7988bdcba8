"""The gateway, and how much anybody may ask for."""

from .mutant import GATEWAY, INFERENCE, Mutant

ACCESS = "services/gateway/tests/test_access.py"
ERRORS = "services/gateway/tests/test_errors.py::test_envoy_errors_have_the_form_of_service_errors"
ANSWERS = "tests/trust/test_edge_answers.py"
LIMITS = "tests/trust/test_edge_limits.py"
SLOW = f"{LIMITS}::test_who_sends_slowly_is_cut_off"

MUTANTS = (
    # Headers, paths and hosts
    Mutant(
        "headers of the inside are removed",
        f"{GATEWAY}/listener.py",
        '            *({"remove": name} for name in names),\n',
        "",
        "services/gateway/tests/test_access.py::test_identity_headers_of_clients_are_removed",
    ),
    Mutant(
        "headers of the inside are removed by their beginnings",
        f"{GATEWAY}/listener.py",
        '            *({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in SPOOFABLE_PREFIXES),\n',
        "",
        f"{ACCESS}::test_identity_headers_of_clients_are_removed",
    ),
    Mutant(
        "underscores in headers are refused",
        f"{GATEWAY}/listener.py",
        '"headers_with_underscores_action": "REJECT_REQUEST"',
        '"headers_with_underscores_action": "ALLOW"',
        ERRORS,
    ),
    Mutant(
        "headers have a size",
        f"{GATEWAY}/listener.py",
        "        max_request_headers_kb=32,\n",
        "",
        f"{LIMITS}::test_headers_have_a_size_and_a_number",
    ),
    Mutant(
        "headers have a number",  # Left out, it would be the same number: Envoy's own.
        f"{GATEWAY}/listener.py",
        '"max_headers_count": 100',
        '"max_headers_count": 1000',
        f"{LIMITS}::test_headers_have_a_size_and_a_number",
    ),
    Mutant(
        "paths are written one way",
        f"{GATEWAY}/listener.py",
        '        path_with_escaped_slashes_action="REJECT_REQUEST",\n',
        "",
        ERRORS,
    ),
    Mutant(
        "a host is the name of one",
        f"{GATEWAY}/edge.lua",
        'if string.find(handle:headers():get(":authority") or "", "[^%w%.:%-%[%]_%%]") then',
        "if false then",
        "tests/trust/test_request_smuggling.py::test_what_can_be_read_in_two_ways_is_not_read_at_all[two hosts]",
    ),
    # How much, and for how long
    Mutant(
        "bodies have a size",
        f"{GATEWAY}/filters.py",
        "max_request_bytes=kib * 1024,",
        "max_request_bytes=kib * 1024 * 1024,",
        "services/gateway/tests/test_errors.py::test_too_large_body_is_refused_before_it_is_sent",
    ),
    Mutant(
        "who sends headers slowly goes",
        f"{GATEWAY}/listener.py",
        '        request_headers_timeout="10s",\n',
        "",
        f"{SLOW}[a header]",
    ),
    Mutant(
        "who sends a body slowly goes",
        f"{GATEWAY}/listener.py",
        '        request_timeout="300s",\n',
        "",
        f"{SLOW}[a byte of the body]",
    ),
    Mutant(
        "who does not end a body goes",
        f"{GATEWAY}/listener.py",
        '        stream_idle_timeout="300s",\n',
        '        stream_idle_timeout="0s",\n',
        f"{SLOW}[the beginning of a body]",
    ),
    Mutant(
        "who asks nothing goes",
        f"{GATEWAY}/listener.py",
        '            "idle_timeout": seconds(IDLE_SECONDS),\n',
        "",
        f"{SLOW}[nothing]",
    ),
    Mutant(
        "who reads nothing goes",
        f"{GATEWAY}/listener.py",
        '            "idle_timeout": seconds(IDLE_SECONDS),\n',
        "",
        f"{LIMITS}::test_who_reads_slowly_is_cut_off",
    ),
    Mutant(
        "who does not finish a handshake goes",
        f"{GATEWAY}/listener.py",
        ', "transport_socket_connect_timeout": "10s"',
        "",
        f"{LIMITS}::test_who_does_not_finish_a_handshake_is_cut_off",
    ),
    Mutant(
        "streams of a connection have a number",
        f"{GATEWAY}/listener.py",
        '            "max_concurrent_streams": 100,\n',
        "",
        f"{LIMITS}::test_a_connection_has_a_hundred_streams",
    ),
    Mutant(
        "connections have a number",
        f"{GATEWAY}/overload.py",
        "max_active_downstream_connections=options.max_connections",
        "max_active_downstream_connections=1_000_000",
        f"{LIMITS}::test_more_connections_than_there_may_be_are_closed_and_later_ones_are_not",
    ),
    Mutant(
        "the gateway's memory has a limit",
        f"{GATEWAY}/overload.py",
        '                _action("stop_accepting_requests", _from(0.95)),\n',
        "",
        f"{LIMITS}::test_a_gateway_without_memory_takes_nobody_in_and_recovers",
    ),
    Mutant(
        "who holds most of the gateway's memory goes",
        f"{GATEWAY}/overload.py",
        '                _action("reset_high_memory_stream", _between(0.92, 0.98)),\n',
        "",
        f"{LIMITS}::test_a_gateway_without_memory_sends_the_greediest_away_and_recovers",
    ),
    Mutant(
        "calls have a limit by address",
        f"{GATEWAY}/routes.py",
        "            filters.RATE_LIMIT: "
        '_rate_limit(per_minute(rpc) * options.rate_factor, ADDRESS, "masked_remote_address"),\n',
        "",
        "services/gateway/tests/test_upstreams.py::test_calls_are_limited_by_address",
    ),
    Mutant(
        "calls have a limit by customer in IPv6",
        f"{GATEWAY}/routes.py",
        '"v6_prefix_mask_len": 64',
        '"v6_prefix_mask_len": 128',
        "services/gateway/tests/test_upstreams.py::test_ipv6_network_shares_one_rate_limit",
    ),
    Mutant(
        "calls have a limit by user",
        f"{GATEWAY}/routes.py",
        "            filters.USER_RATE_LIMIT: _rate_limit(per_minute(rpc) * options.rate_factor, USER, USER_KEY),\n",
        "",
        f"{ANSWERS}::test_calls_have_a_limit_by_user_wherever_they_come_from",
    ),
    Mutant(
        "a crowd that stands is let in a few at a time",
        f"{GATEWAY}/crowds.py",
        "        crowd.stands, crowd.last_refused_at = True, now",
        "        pass",
        "services/gateway/tests/test_overload.py::test_sustained_overload_narrows_the_circuit_breaker_until_it_ends",
    ),
    Mutant(
        "users have a number of open tasks",
        f"{INFERENCE}/quotas.py",
        "        raise TooManyOpenTasks(quotas.open_tasks)",
        "        pass",
        "services/inference/tests/test_tasks.py::"
        "test_open_tasks_beyond_the_quota_are_refused_with_retry_after",
    ),
    Mutant(
        "users have a number of photos a day",
        f"{INFERENCE}/quotas.py",
        "        raise TooManyPhotosToday(quotas.photos(guest=guest), now)",
        "        pass",
        "services/inference/tests/test_quotas.py::"
        "test_daily_quota_counts_deleted_photos",
    ),
    Mutant(
        "users have a number of tasks that they watch",
        f"{INFERENCE}/quotas.py",
        "        if self._watching[user_id] >= self._most:",
        "        if False:",
        "services/inference/tests/test_quotas.py::"
        "test_watch_quota_is_freed_when_a_watch_ends",
    ),
    # Browsers
    Mutant(
        "answers tell browsers to be careful",
        f"{GATEWAY}/filters.py",
        "for key, value in headers.items()]",
        "for key, value in ()]",
        "services/gateway/tests/test_rest.py::test_answers_have_security_headers_and_no_internal_ones",
    ),
    Mutant(
        "answers do nothing as pages",
        f"{GATEWAY}/filters.py",
        """        "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; """
        """frame-ancestors 'none'",\n""",
        "",
        f"{ANSWERS}::test_every_answer_tells_browsers_to_be_careful",
    ),
    Mutant(
        "browsers stay with HTTPS",
        f"{GATEWAY}/edge.lua",
        '    headers:replace("strict-transport-security", "max-age=31536000")\n',
        "",
        f"{ANSWERS}::test_over_https_browsers_are_told_to_stay_there",
    ),
    Mutant(
        "old TLS is not spoken",  # Not by Envoy's own ciphers either.
        f"{GATEWAY}/listener.py",
        '{"tls_minimum_protocol_version": "TLSv1_2"}',
        '{"tls_minimum_protocol_version": "TLSv1_0", "cipher_suites": ["ECDHE-ECDSA-AES128-SHA"]}',
        f"{ANSWERS}::test_old_tls_is_not_spoken",
    ),
    Mutant(
        "other origins read nothing",
        f"{GATEWAY}/routes.py",
        '[{"exact": origin} for origin in origins]',
        '[{"prefix": origin} for origin in origins]',
        f"{ANSWERS}::test_pages_of_other_origins_read_nothing[https://igemoji.example.evil.example]",
    ),
)
