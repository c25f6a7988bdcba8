"""Password guessing: brute force, spraying, credential stuffing and common passwords."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from contract.actors import PASSWORD, Actors
from contract.calls import Outcome, outcome_of

from igemoji_mesh.ids import new_id

from .attack_report import Attacks
from .live import LiveMesh

TRIES = 10
"""Allowed failures by account and by address in five minutes."""

COMMON = ("12345678", "password1", "iloveyou", "qwertyuiop", "sunshine", "princess", "football", "baseball")


def addresses(first: int) -> Iterator[str]:
    """Return addresses of a botnet, another one for each try."""
    return (f"203.0.{first}.{number}" for number in range(1, 255))


@pytest.fixture
def log_in(actors: Actors) -> Callable[[str, str, str], Outcome]:
    def log_in(email: str, password: str, address: str) -> Outcome:
        body = {"email": email, "password": password, "refresh_token_in_body": True}
        return outcome_of(actors.http.post("/api/v1/users/auth", json=body, headers={"x-forwarded-for": address}))

    return log_in


def refused(answer: Outcome) -> bool:
    """Return whether a login failed without revealing whether the account exists."""
    if answer.status == 429:
        return answer.reason == "TOO_MANY_TRIES" and int(answer.headers["retry-after"]) > 0
    return (answer.status, answer.reason) == (401, "WRONG_CREDENTIALS")


def test_failed_logins_are_limited_by_account(
    actors: Actors, log_in: Callable[[str, str, str], Outcome], attacks: Attacks
) -> None:
    email = actors.new_actor("victim").email
    bots = addresses(1)
    statuses = []
    for number in range(TRIES + 5):
        with attacks.attempt(f"guess {number}"):
            answer = log_in(email, f"guess {number} {new_id()}", next(bots))
            assert refused(answer)
            statuses.append(answer.status)
    assert statuses == [401] * TRIES + [429] * 5
    with attacks.attempt("the right password, guessed too late"):
        assert log_in(email, PASSWORD, next(bots)).status == 429


def test_unknown_accounts_are_limited_too(log_in: Callable[[str, str, str], Outcome], attacks: Attacks) -> None:
    bots = addresses(2)
    email = f"{new_id()}@example.org"
    statuses = []
    for number in range(TRIES + 2):
        with attacks.attempt(f"guess {number}"):
            answer = log_in(email, f"guess {number}", next(bots))
            assert refused(answer)
            statuses.append(answer.status)
    assert statuses == [401] * TRIES + [429] * 2


def test_account_limit_ignores_case(
    actors: Actors, log_in: Callable[[str, str, str], Outcome], attacks: Attacks
) -> None:
    email = actors.new_actor("victim").email
    bots = addresses(3)
    for number in range(TRIES):
        log_in(
            "".join(letter.upper() if number >> index & 1 else letter for index, letter in enumerate(email)),
            "x",
            next(bots),
        )
    with attacks.attempt("in other capitals"):
        assert log_in(email.upper(), PASSWORD, next(bots)).status == 429


def test_password_spraying_is_limited_by_address(
    actors: Actors, log_in: Callable[[str, str, str], Outcome], attacks: Attacks
) -> None:
    """No account is tried twice, so no account's limit is reached."""
    victims = [actors.new_actor("victim").email for _ in range(2)]
    statuses = []
    for number in range(TRIES + 3):
        with attacks.attempt(f"account {number}"):
            answer = log_in(f"{number}-{new_id()}@example.org", COMMON[number % len(COMMON)], "203.0.113.7")
            assert refused(answer)
            statuses.append(answer.status)
    assert statuses == [401] * TRIES + [429] * 3
    for email in victims:
        with attacks.attempt("an account that exists, from there"):
            assert log_in(email, PASSWORD, "203.0.113.7").status == 429
        assert log_in(email, PASSWORD, "203.0.113.8").status == 200


def test_ipv6_prefix_shares_a_limit(log_in: Callable[[str, str, str], Outcome], attacks: Attacks) -> None:
    """A customer with one IPv6 address has 2^64 of them."""
    statuses = []
    for number in range(TRIES + 2):
        with attacks.attempt(f"address {number}"):
            answer = log_in(f"{new_id()}@example.org", "guess", f"2001:db8:7:7::{number + 1:x}")
            assert refused(answer)
            statuses.append(answer.status)
    assert statuses == [401] * TRIES + [429] * 2


def test_credential_stuffing_is_refused(
    actors: Actors, log_in: Callable[[str, str, str], Outcome], attacks: Attacks
) -> None:
    """Existing accounts, each tried with a leaked password from another address."""
    bots = addresses(4)
    for password in COMMON:
        email = actors.new_actor("victim").email
        with attacks.attempt(password):
            assert refused(log_in(email, password, next(bots)))


@pytest.mark.parametrize("password", [*COMMON, "dkssudgktpdy", "PASSWORD1", "ILoveYou"])
def test_common_passwords_are_refused(password: str, actors: Actors, attacks: Attacks) -> None:
    with attacks.attempt(password):
        answer = outcome_of(actors.http.post("/api/v1/users", json=actors.new_account() | {"password": password}))
        assert (answer.status, answer.reason) == (400, "PASSWORD_TOO_COMMON")


def test_spoofed_address_does_not_evade_the_limit(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    """The gateway without a proxy ignores addresses in headers of clients."""
    actors.actor("owner")
    statuses = []
    with httpx.Client(base_url=mesh.url, timeout=60) as http:
        for number in range(TRIES + 3):
            spoofed = {
                "x-forwarded-for": f"203.0.114.{number}",
                "x-envoy-external-address": f"203.0.114.{number}",
                "x-real-ip": f"203.0.114.{number}",
                "forwarded": f"for=203.0.114.{number}",
            }
            body = {"email": f"{new_id()}@example.org", "password": "guess"}
            with attacks.attempt(f"address {number}"):
                statuses.append(http.post("/api/v1/users/auth", json=body, headers=spoofed).status_code)
                assert statuses[-1] in (401, 429)
    assert statuses[-1] == 429


def test_current_password_can_not_be_guessed(actors: Actors, attacks: Attacks) -> None:
    victim = actors.new_actor("victim")
    for number in range(TRIES + 1):
        body = {"current_password": f"guess {number}", "new_password": "another passphrase"}
        with attacks.attempt(f"guess {number}"):
            answer = outcome_of(actors.http.put("/api/v1/users/me/password", json=body, headers=victim.headers))
            assert answer.reason == ("PASSWORD_WRONG" if number < TRIES else "TOO_MANY_TRIES")


def test_reset_token_can_not_be_guessed(actors: Actors, attacks: Attacks) -> None:
    statuses = []
    for number in range(TRIES + 2):
        body = {"token": f"guess{number}", "new_password": "another passphrase"}
        headers = {"x-forwarded-for": "203.0.115.1"}
        with attacks.attempt(f"guess {number}"):
            answer = outcome_of(actors.http.post("/api/v1/users/password-reset/confirm", json=body, headers=headers))
            assert answer.reason in ("RESET_TOKEN_REFUSED", "TOO_MANY_TRIES")
            statuses.append(answer.status)
    assert statuses == [400] * TRIES + [429] * 2
