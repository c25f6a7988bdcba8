"""Which line is a defence, what is left without it, and which test sees that."""

from dataclasses import dataclass

MESH = "libs/mesh/src/igemoji_mesh"
AUTH = "services/auth/src/igemoji_auth"
CATALOG = "services/emoji_catalog/src/igemoji_emoji_catalog"
GATEWAY = "services/gateway/src/igemoji_gateway"
INFERENCE = "services/inference/src/igemoji_inference"
SERVER_TESTS = "libs/mesh/tests/test_server.py"
FOUND = "tests/fuzz/test_found.py::"
HOSTILE = "services/inference/tests/hostile"


@dataclass(frozen=True)
class Mutant:
    defence: str
    path: str
    old: str
    """Stands there once."""
    new: str
    test: str


MUTANTS = (
    # Tokens
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
        "services/auth/tests/test_login.py::test_an_expired_token_is_accepted_nowhere",
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
        "services/gateway/tests/test_access.py::test_with_a_bad_token",
    ),
    Mutant(
        "a refresh token that comes again ends its family",
        f"{AUTH}/refresh_store.py",
        "    if spent.rowcount == 1:",
        "    if True:",
        "services/auth/tests/test_refresh.py::"
        "test_a_token_that_comes_back_later_ends_the_login_everywhere_but_no_other",
    ),
    Mutant(
        "the database has no token that could be used",
        f"{AUTH}/refresh_store.py",
        "        token_hash=digest(token),\n        family_id",
        "        token_hash=token,\n        family_id",
        "services/auth/tests/test_refresh.py::test_the_database_has_no_token_that_could_be_used",
    ),
    Mutant(
        "the cookie needs a header beside it",
        f"{AUTH}/cookie.py",
        'if not metadata.get("x-requested-with"):',
        "if False:",
        "services/auth/tests/test_refresh.py::test_a_cookie_alone_is_not_believed",
    ),
    Mutant(
        "the cookie is out of a script's reach",
        f"{AUTH}/cookie.py",
        '"httponly": True',
        '"httponly": False',
        "services/auth/tests/test_refresh.py::test_the_cookie_is_for_the_browser_alone_and_only_where_it_is_needed",
    ),
    # Passwords
    Mutant(
        "passwords that are guessed first are refused",
        f"{AUTH}/domain.py",
        "    if guess in common:",
        "    if False:",
        "services/auth/tests/test_accounts.py::test_a_password_that_is_guessed_first_is_refused",
    ),
    Mutant(
        "an unknown account costs a hash",
        f"{AUTH}/passwords.py",
        "        given = password.encode()\n        expected",
        "        if password_hash is None:\n            return False\n        given = password.encode()\n"
        "        expected",
        "services/auth/tests/test_login.py::test_an_unknown_account_and_a_wrong_password_are_told_alike_and_cost_alike",
    ),
    Mutant(
        "tries are counted by account",
        f"{AUTH}/sessions.py",
        "await self._throttle.begin(LOGIN_OF_ACCOUNT, email_key)",
        "await self._throttle.begin(LOGIN_OF_ACCOUNT, str(datetime.datetime.now()))",
        "services/auth/tests/test_login.py::test_ten_failed_tries_close_an_account_for_five_minutes",
    ),
    Mutant(
        "tries are counted by address",
        f"{AUTH}/sessions.py",
        "            await self._throttle.check(LOGIN_FROM_ADDRESS, address)\n",
        "",
        "services/auth/tests/test_throttle.py::test_ten_failed_logins_close_an_address_for_every_account",
    ),
    Mutant(
        "neighbours in IPv6 are one address",
        f"{AUTH}/throttle.py",
        "    return str(IPv6Address(int(parsed) >> IPV6_PREFIX << IPV6_PREFIX))",
        "    return str(parsed)",
        "services/auth/tests/test_throttle.py::test_what_counts_as_one_address",
    ),
    # Who may what
    Mutant(
        "INTERNAL RPCs admit whom the contract names",
        f"{MESH}/access.py",
        "            if peer not in policy.access.callers:",
        "            if False:",
        f"{SERVER_TESTS}::test_an_internal_rpc_admits_only_the_callers_of_the_contract",
    ),
    Mutant(
        "an RPC without an access level stops its service",
        f"{MESH}/access.py",
        "        if rpc.access is None or rpc.access.level == access_pb2.LEVEL_UNSPECIFIED:",
        "        if False:",
        f"{SERVER_TESTS}::test_a_service_refuses_to_start_without_an_access_level",
    ),
    Mutant(
        "operators alone moderate",
        f"{MESH}/access.py",
        'if level == access_pb2.LEVEL_OPERATOR and claims.role != "operator":',
        "if False:",
        "services/emoji_catalog/tests/test_moderation.py::test_only_operators_moderate",
    ),
    Mutant(
        "callers show a certificate of the mesh",
        f"{MESH}/server.py",
        "require_client_auth=True",
        "require_client_auth=False",
        f"{SERVER_TESTS}::test_a_certificate_of_another_authority_gets_no_connection",
    ),
    Mutant(
        "a task is its owner's",
        f"{INFERENCE}/service.py",
        "    if task is None or task.user_id != by:",
        "    if task is None:",
        "services/inference/tests/test_tasks.py::test_a_task_is_nobody_elses_business",
    ),
    Mutant(
        "a template is changed by its maker",
        f"{CATALOG}/domain.py",
        "        if self.built_in or self.owner.id != by:",
        "        if self.built_in:",
        "services/emoji_catalog/tests/test_sharing.py::test_only_the_maker_changes_a_template",
    ),
    Mutant(
        "a private template is seen by its maker",
        f"{CATALOG}/service.py",
        "        if emoji is None or not emoji.is_visible_to(viewer):",
        "        if emoji is None:",
        "services/emoji_catalog/tests/test_sharing.py::test_a_private_template_is_there_for_its_maker_only",
    ),
    # The edge
    Mutant(
        "headers of the inside are removed",
        f"{GATEWAY}/listener.py",
        '            *({"remove": name} for name in names),\n',
        "",
        "services/gateway/tests/test_access.py::test_identity_headers_from_outside_do_not_get_through",
    ),
    # Input
    Mutant(
        "messages are held to the rules of the contract",
        f"{MESH}/interceptors.py",
        "        protovalidate.validate(request)",
        "        pass",
        f"{SERVER_TESTS}::test_bad_input_names_the_field",
    ),
    Mutant(
        "an unexpected error tells nothing",
        f"{MESH}/interceptors.py",
        '            telemetry.log.exception("unexpected error", method=method)\n'
        '            await _abort(context, InternalError("Something went wrong on our side."))',
        '            telemetry.log.exception("unexpected error", method=method)\n            raise',
        f"{SERVER_TESTS}::test_an_unexpected_error_leaves_without_details",
    ),
    Mutant(
        "object keys have a pattern",
        f"{MESH}/objects.py",
        "    if not _KEY.fullmatch(key):",
        "    if False:",
        "libs/mesh/tests/test_objects_contract.py::test_a_key_that_could_mean_something_else_is_refused",
    ),
    Mutant(
        "page tokens hold instants that a database knows",
        f"{MESH}/page_token.py",
        "    if at.utcoffset() != datetime.timedelta(0):",
        "    if False:",
        f"{FOUND}test_an_input_that_was_found_once_is_taken_rightly",
    ),
    Mutant(
        "page tokens hold ids",
        f"{MESH}/page_token.py",
        "str(uuid.UUID(last_id)) == last_id",
        "len(last_id) == 36",
        f"{FOUND}test_an_input_that_was_found_once_is_taken_rightly",
    ),
    # Files
    Mutant(
        "pixels of a photo are counted before they are decoded",
        f"{INFERENCE}/vision/headers.py",
        "MAX_PIXELS = 40_000_000",
        "MAX_PIXELS = 40_000_000_000",
        f"{HOSTILE}/test_png.py::test_a_size_is_checked_before_anything_is_decoded",
    ),
    Mutant(
        "pixels of a picture are counted before they are decoded",
        f"{CATALOG}/pictures.py",
        "MAX_PIXELS = 4_000_000",
        "MAX_PIXELS = 4_000_000_000",
        "services/emoji_catalog/tests/test_pictures.py::test_four_megapixels_are_enough_and_more_are_refused",
    ),
    Mutant(
        "pictures are of three kinds",
        f"{CATALOG}/pictures.py",
        '_FORMATS = ("PNG", "JPEG", "WEBP")',
        '_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "PPM")',
        "services/emoji_catalog/tests/test_pictures.py::test_other_kinds_of_files_are_refused_whatever_their_name",
    ),
    Mutant(
        "a worker has a limit of memory",
        f"{INFERENCE}/queue/child.py",
        "    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n",
        "",
        f"{HOSTILE}/test_limits.py::test_with_too_little_memory_a_photo_fails_for_the_limit_and_the_worker_lives",
    ),
    Mutant(
        "a worker has a limit of time",
        f"{INFERENCE}/queue/child.py",
        "                _limit_processor(float(task_seconds))\n",
        "",
        f"{HOSTILE}/test_limits.py::test_the_processor_is_taken_away_even_if_the_service_does_not_watch",
    ),
    Mutant(
        "a crash leaves no photo on the disk",
        f"{INFERENCE}/queue/child.py",
        "    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n",
        "",
        f"{HOSTILE}/test_limits.py::test_a_crash_leaves_no_photo_on_the_disk",
    ),
    # Integrity
    Mutant(
        "what is damaged is not given out",
        f"{MESH}/checksums.py",
        "    if checksum and found != checksum:",
        "    if False:",
        "libs/mesh/tests/test_checksums_contract.py",
    ),
    Mutant(
        "results have a checksum",
        f"{INFERENCE}/leases.py",
        '        "result_checksum": done.result_checksum,\n',
        "",
        "services/inference/tests/test_checksums.py::test_a_damaged_result_is_data_loss_and_no_photo",
    ),
    Mutant(
        "originals are compared before they are worked on",
        f"{INFERENCE}/queue/worker.py",
        "checksums.get(self._objects, job.photo_key, job.photo_checksum)",
        "self._objects.get(job.photo_key)",
        "services/inference/tests/test_checksums.py::test_a_damaged_original_is_not_revised_into_another_photo",
    ),
    # Supply chain
    Mutant(
        "the installer is installed by its hash",
        "Makefile",
        "--require-hashes ",
        "",
        "tests/trust/test_supply_chain.py::test_nothing_is_installed_without_its_lock",
    ),
    Mutant(
        "licences are looked at",
        "deploy/supply/licences.py",
        "        elif not may_pass(package.licence, allowed):",
        "        elif False:",
        "tests/trust/test_supply_chain.py::test_what_asks_for_more_than_a_notice_does_not_pass_unseen",
    ),
)
