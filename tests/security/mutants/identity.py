"""Authentication and authorization."""

from .edits import Entry, First, Replace, Value, Without
from .mutant import Mutant

COOKIE = "test_cookie_is_http_only_and_limited_to_auth_routes"
FORGED = "test_forged_tokens_are_refused"
VERIFY = "igemoji_mesh.auth.tokens:TokenVerifier.verify"

MUTANTS = (
    # Tokens
    Mutant(
        "Access tokens are signed with Ed25519 only",
        VERIFY,
        (
            Replace(
                "key.key", 'OLD if jwt.get_unverified_header(token)["alg"] == ALGORITHM else OLD.public_bytes_raw()'
            ),
            Entry("algorithms", '[*OLD, "HS256"]'),
        ),
        f"{FORGED}[the public key as a secret]",
    ),
    Mutant(
        "The audience of access tokens is checked",
        VERIFY,
        Entry("options", '{**OLD, "verify_aud": False}'),
        f"{FORGED}[another audience]",
    ),
    Mutant(
        "The issuer of access tokens is checked",
        VERIFY,
        Entry("options", '{**OLD, "verify_iss": False}'),
        f"{FORGED}[another issuer]",
    ),
    Mutant(
        "The signature of access tokens is checked",
        VERIFY,
        Entry("options", '{**OLD, "verify_signature": False}'),
        "test_seeds_are_handled[token]",
    ),
    Mutant(
        "Access tokens expire",
        VERIFY,
        Entry("options", '{**OLD, "verify_exp": False}'),
        "test_expired_access_token_is_refused",
    ),
    Mutant(
        "The gateway requires access tokens",
        "igemoji_gateway.config.filters:_rule",
        Replace('{**match, "requires": _required()}', "match"),
        "test_without_a_token",
    ),
    Mutant(
        "The gateway checks optional access tokens",
        "igemoji_gateway.config.filters:_rule",
        Replace('{"requires_any": _}', '{"allow_missing_or_failed": {}}'),
        "test_with_an_invalid_token",
    ),
    Mutant(
        "Reuse of a refresh token revokes its family",
        "igemoji_auth.adapters.db.refresh_tokens:_spend",
        Replace("_.rowcount == 1", "True"),
        "test_reused_refresh_token_revokes_its_family_only",
    ),
    Mutant(
        "The database stores digests of refresh tokens only",
        "igemoji_auth.domain.model:digest",
        Replace("hashlib.sha256(*_).hexdigest()", "secret"),
        "test_database_contains_no_usable_refresh_token",
    ),
    Mutant(
        "The cookie is accepted only with a custom header (CSRF)",
        "igemoji_auth.entrypoints.cookie:refresh_token",
        Without("raise RequestedWithMissing(*_)"),
        "test_cookie_without_custom_header_is_refused",
    ),
    Mutant(
        "The cookie is HttpOnly",
        "igemoji_auth.entrypoints.cookie:set_cookie",
        Entry("httponly", "False"),
        COOKIE,
    ),
    Mutant(
        "The cookie is SameSite=Strict",
        "igemoji_auth.entrypoints.cookie:set_cookie",
        Entry("samesite", '"Lax"'),
        COOKIE,
    ),
    Mutant(
        "The cookie is sent to authentication routes only",
        "igemoji_auth.entrypoints.cookie:PATH",
        Value('"/"'),
        COOKIE,
    ),
    Mutant(
        "The cookie is Secure over HTTPS",
        "igemoji_auth.entrypoints.cookie:set_cookie",
        Without('_["secure"] = _'),
        COOKIE,
    ),
    # Passwords
    Mutant(
        "Common passwords are rejected",
        "igemoji_auth.domain.model:check_password",
        Replace("_ in common", "False"),
        "test_common_password_is_refused",
    ),
    Mutant(
        "Login to an unknown account takes as long as to a known one (timing)",
        "igemoji_auth.adapters.passwords:BcryptPasswords.matches",
        First("if password_hash is None:\n    return False"),
        "test_unknown_account_and_wrong_password_are_indistinguishable",
    ),
    Mutant(
        "Failed logins are rate limited by account",
        "igemoji_auth.usecases.sessions:Sessions.login",
        Replace(
            "self._throttle.begin(LOGIN_OF_ACCOUNT, _)",
            "self._throttle.begin(LOGIN_OF_ACCOUNT, str(datetime.datetime.now()))",
        ),
        "test_ten_failed_logins_block_an_account_for_five_minutes",
    ),
    Mutant(
        "Failed logins are rate limited by client address",
        "igemoji_auth.usecases.sessions:Sessions.login",
        Without("self._throttle.check(LOGIN_FROM_ADDRESS, _)"),
        "test_ten_failed_logins_block_an_address_for_every_account",
    ),
    Mutant(
        "Logins from one IPv6 /64 share a rate limit",
        "igemoji_auth.usecases.throttle:network",
        Replace("str(IPv6Address(_))", "str(ip_address(address))"),
        "test_addresses_are_grouped_by_network",
    ),
    # Authorization
    Mutant(
        "INTERNAL RPCs accept only the callers in the contract",
        "igemoji_mesh.interceptors.access:AccessInterceptor._authorize",
        Replace("_ not in _.callers", "False"),
        "test_internal_rpc_admits_only_callers_of_the_contract",
    ),
    Mutant(
        "A service with an RPC without an access level does not start",
        "igemoji_mesh.interceptors.access:policies_for",
        Replace("_ is None or _ == access_pb2.LEVEL_UNSPECIFIED", "False"),
        "test_start_fails_without_access_level",
    ),
    Mutant(
        "Only operators can moderate",
        "igemoji_mesh.interceptors.access:AccessInterceptor._authorize",
        Replace("_ == access_pb2.LEVEL_OPERATOR and _", "False"),
        "test_only_operators_may_moderate",
    ),
    Mutant(
        "Services require a client certificate (mutual TLS)",
        "igemoji_mesh.server:server_credentials",
        Entry("require_client_auth", "False"),
        "test_certificate_of_another_authority_is_refused",
    ),
    Mutant(
        "Users can read only their own tasks",
        "igemoji_inference.domain.model:owned",
        Replace("_.user_id != _", "False"),
        "test_tasks_of_other_users_are_not_found",
    ),
    Mutant(
        "Only the owner can change a template",
        "igemoji_emoji_catalog.domain.model:Emoji.check_owned",
        Replace("_.owner.id != _", "False"),
        "test_only_the_maker_may_update_a_template",
    ),
    Mutant(
        "Only the owner can read a private template",
        "igemoji_emoji_catalog.usecases.catalog:Catalog.get",
        Replace("_.is_visible_to(*_)", "True"),
        "test_private_template_is_visible_to_its_maker_only",
    ),
    Mutant(
        # Servicers check for a user again, so the certificate has to stand for one, and for an operator.
        "A service certificate does not authenticate a user",
        "igemoji_mesh.interceptors.access:AccessInterceptor._authorize",
        Replace(
            "raise TokenMissing(*_)",
            'return Caller(peer, "01890a5d-ac96-774b-bcce-b302099a8057", peer, "operator")',
        ),
        "test_service_certificate_is_no_user[inference.GetTask]",
    ),
)
