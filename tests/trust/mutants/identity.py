"""Who somebody is, and what they may."""

from .mutant import AUTH, CATALOG, GATEWAY, INFERENCE, MESH, Mutant

FORGED = "tests/trust/test_token_forgery.py::test_a_forged_token_opens_nothing_at_the_edge_or_behind_it"
COOKIE = "services/auth/tests/test_refresh.py::test_cookie_is_http_only_and_limited_to_auth_routes"
SERVER_TESTS = "libs/mesh/tests/test_server.py"
FOUND = "tests/fuzz/test_found.py::"

MUTANTS = (
    # Tokens
    Mutant(
        "tokens are signed by Ed25519 alone",
        f"{MESH}/tokens.py",
        "                key.key,\n                algorithms=[ALGORITHM],",
        '                key.key if header["alg"] == ALGORITHM else key.key.public_bytes_raw(),\n'
        '                algorithms=[ALGORITHM, "HS256"],',
        f"{FORGED}[the public key as a secret]",
    ),
    Mutant(
        "tokens are for this audience",
        f"{MESH}/tokens.py",
        'options={"require"',
        'options={"verify_aud": False, "require"',
        f"{FORGED}[another audience]",
    ),
    Mutant(
        "tokens are from this issuer",
        f"{MESH}/tokens.py",
        'options={"require"',
        'options={"verify_iss": False, "require"',
        f"{FORGED}[another issuer]",
    ),
    Mutant(
        "tokens are signed",
        f"{MESH}/tokens.py",
        'options={"require"',
        'options={"verify_signature": False, "require"',
        f"{FOUND}test_what_a_fuzzer_begins_with_is_taken_rightly[token]",
    ),
    Mutant(
        "tokens expire",
        f"{MESH}/tokens.py",
        'options={"require"',
        'options={"verify_exp": False, "require"',
        "services/auth/tests/test_login.py::test_expired_access_token_is_refused",
    ),
    Mutant(
        "the edge asks for tokens",
        f"{GATEWAY}/filters.py",
        '        return {**match, "requires": _required()}\n',
        "        return match\n",
        "services/gateway/tests/test_access.py::test_without_a_token",
    ),
    Mutant(
        "the edge looks at tokens that need not be",
        f"{GATEWAY}/filters.py",
        '{"requires_any": {"requirements": [_required(), {"allow_missing": {}}]}}',
        '{"allow_missing_or_failed": {}}',
        "services/gateway/tests/test_access.py::test_with_an_invalid_token",
    ),
    Mutant(
        "a refresh token that comes again ends its family",
        f"{AUTH}/refresh_store.py",
        "    if spent.rowcount == 1:",
        "    if True:",
        "services/auth/tests/test_refresh.py::"
        "test_reused_refresh_token_revokes_its_family_only",
    ),
    Mutant(
        "the database has no token that could be used",
        f"{AUTH}/domain.py",
        "    return hashlib.sha256(secret.encode()).hexdigest()",
        "    return secret",
        "services/auth/tests/test_refresh.py::test_database_contains_no_usable_refresh_token",
    ),
    Mutant(
        "the cookie needs a header beside it",
        f"{AUTH}/cookie.py",
        'if not metadata.get("x-requested-with"):',
        "if False:",
        "services/auth/tests/test_refresh.py::test_cookie_without_custom_header_is_refused",
    ),
    Mutant(
        "the cookie is out of a script's reach",
        f"{AUTH}/cookie.py",
        '"httponly": True',
        '"httponly": False',
        COOKIE,
    ),
    Mutant(
        "the cookie is for calls of its own site",
        f"{AUTH}/cookie.py",
        '"samesite": "Strict"',
        '"samesite": "Lax"',
        COOKIE,
    ),
    Mutant(
        "the cookie goes where it is needed",
        f"{AUTH}/cookie.py",
        'PATH = "/api/v1/users/auth"',
        'PATH = "/"',
        COOKIE,
    ),
    Mutant(
        "the cookie of HTTPS is never sent without",
        f"{AUTH}/cookie.py",
        """    attributes["secure"] = _metadata(context).get("x-forwarded-proto") == "https"\n""",
        "",
        COOKIE,
    ),
    # Passwords
    Mutant(
        "passwords that are guessed first are refused",
        f"{AUTH}/domain.py",
        "    if guess in common:",
        "    if False:",
        "services/auth/tests/test_accounts.py::test_common_password_is_refused",
    ),
    Mutant(
        "an unknown account costs a hash",
        f"{AUTH}/passwords.py",
        "        given = password.encode()\n        expected",
        "        if password_hash is None:\n            return False\n        given = password.encode()\n"
        "        expected",
        "services/auth/tests/test_login.py::test_unknown_account_and_wrong_password_are_indistinguishable",
    ),
    Mutant(
        "tries are counted by account",
        f"{AUTH}/sessions.py",
        "await self._throttle.begin(LOGIN_OF_ACCOUNT, email_key)",
        "await self._throttle.begin(LOGIN_OF_ACCOUNT, str(datetime.datetime.now()))",
        "services/auth/tests/test_login.py::test_ten_failed_logins_block_an_account_for_five_minutes",
    ),
    Mutant(
        "tries are counted by address",
        f"{AUTH}/sessions.py",
        "            await self._throttle.check(LOGIN_FROM_ADDRESS, address)\n",
        "",
        "services/auth/tests/test_throttle.py::test_ten_failed_logins_block_an_address_for_every_account",
    ),
    Mutant(
        "neighbours in IPv6 are one address",
        f"{AUTH}/throttle.py",
        "    return str(IPv6Address(int(parsed) >> IPV6_PREFIX << IPV6_PREFIX))",
        "    return str(parsed)",
        "services/auth/tests/test_throttle.py::test_addresses_are_grouped_by_network",
    ),
    # Who may what
    Mutant(
        "INTERNAL RPCs admit whom the contract names",
        f"{MESH}/access.py",
        "            if peer not in policy.access.callers:",
        "            if False:",
        f"{SERVER_TESTS}::test_internal_rpc_admits_only_callers_of_the_contract",
    ),
    Mutant(
        "an RPC without an access level stops its service",
        f"{MESH}/access.py",
        "        if rpc.access is None or rpc.access.level == access_pb2.LEVEL_UNSPECIFIED:",
        "        if False:",
        f"{SERVER_TESTS}::test_start_fails_without_access_level",
    ),
    Mutant(
        "operators alone moderate",
        f"{MESH}/access.py",
        'if level == access_pb2.LEVEL_OPERATOR and claims.role != "operator":',
        "if False:",
        "services/emoji_catalog/tests/test_moderation.py::test_only_operators_may_moderate",
    ),
    Mutant(
        "callers show a certificate of the mesh",
        f"{MESH}/server.py",
        "require_client_auth=True",
        "require_client_auth=False",
        f"{SERVER_TESTS}::test_certificate_of_another_authority_is_refused",
    ),
    Mutant(
        "a task is its owner's",
        f"{INFERENCE}/service.py",
        "    if task is None or task.user_id != by:",
        "    if task is None:",
        "services/inference/tests/test_tasks.py::test_tasks_of_other_users_are_not_found",
    ),
    Mutant(
        "a template is changed by its maker",
        f"{CATALOG}/domain.py",
        "        if self.built_in or self.owner.id != by:",
        "        if self.built_in:",
        "services/emoji_catalog/tests/test_sharing.py::test_only_the_maker_may_update_a_template",
    ),
    Mutant(
        "a private template is seen by its maker",
        f"{CATALOG}/service.py",
        "        if emoji is None or not emoji.is_visible_to(viewer):",
        "        if emoji is None:",
        "services/emoji_catalog/tests/test_sharing.py::test_private_template_is_visible_to_its_maker_only",
    ),
    Mutant(
        # Servicers ask again who is logged in: here the certificate stands for a user, and an operator.
        "a certificate is no user",
        f"{MESH}/access.py",
        '            raise TokenMissing("Log in first: this needs an access token.")',
        '            return Caller(peer, "01890a5d-ac96-774b-bcce-b302099a8057", peer, "operator")',
        "tests/trust/test_services.py::test_a_service_is_no_user[inference.GetTask]",
    ),
)
