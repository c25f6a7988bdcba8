"""Accounts and logins: who somebody is, which passwords are good enough, how often one may try."""

import datetime
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from igemoji_mesh.errors import AlreadyExists, Exhausted, InvalidInput, Unauthenticated, Unavailable, Violation

USER_ROLE = "user"

LOGIN_TRIES = 10
"""Failed tries that an account is allowed within LOGIN_WINDOW."""
LOGIN_WINDOW = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Account:
    id: str
    email: str | None
    """None for an account that nobody registered, such as the one that owns the built-in templates."""
    alias: str
    """The name that others see."""
    role: str
    created_at: datetime.datetime
    password_hash: str | None
    """None: nobody can log in."""


@dataclass(frozen=True)
class Session:
    """What a login gives."""

    access_token: str
    expires_in_seconds: int
    account: Account


class EmailTaken(AlreadyExists):
    """Another account has the address, perhaps in other case."""


class AliasTaken(AlreadyExists):
    """Another account has the alias, perhaps in other case."""


class PasswordTooCommon(InvalidInput):
    """The password is among the first that somebody would guess."""


class WrongCredentials(Unauthenticated):
    """No such account, or not its password: which of the two is not told."""


class AccountGone(Unauthenticated):
    """The token is good, but its account no longer exists."""


class TooManyTries(Exhausted):
    """Logins to one account failed too often."""


class TooManyLogins(Unavailable):
    """More passwords wait to be checked than can be in the time that their callers wait."""


def unique_key(name: str) -> str:
    """What two e-mail addresses or aliases share that count as the same: case and composition do not matter."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def check_password(password: str, email: str, alias: str, common: Collection[str]) -> None:
    """Raises PasswordTooCommon.

    Args:
        password: As it was chosen; its length is the contract's business.
        email: The address of the account.
        alias: The alias of the account.
        common: The passwords that most people choose, in lower case.
    """
    guess = unique_key(password)
    if guess in common:
        problem = "is one of the passwords that are guessed first"
    elif guess in (unique_key(email), unique_key(alias)):
        problem = "is the same as the e-mail address or the alias"
    else:
        return
    raise PasswordTooCommon(
        f"Choose another password: this one {problem}.", violations=[Violation("password", f"This {problem}.")]
    )


def taken(fields: Sequence[str]) -> EmailTaken | AliasTaken:
    """The error for a registration whose `email`, `alias` or both belong to another account."""
    described = {"email": "This e-mail address has an account already.", "alias": "This alias is taken."}
    kind = EmailTaken if "email" in fields else AliasTaken
    violations = [Violation(field, described[field]) for field in fields]
    return kind(" ".join(violation.description for violation in violations), violations=violations)
