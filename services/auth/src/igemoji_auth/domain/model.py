"""Accounts and logins: who somebody is, which passwords are good enough, how a login goes on."""

import datetime
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from igemoji_mesh.errors import (
    AlreadyExists,
    Conflict,
    Exhausted,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
    Violation,
)

USER_ROLE = "user"
OPERATOR_ROLE = "operator"
GUEST_ROLE = "guest"

GUEST_LIFETIME = datetime.timedelta(days=1)

RESET_LIFETIME = datetime.timedelta(minutes=30)
REFRESH_LIFETIME = datetime.timedelta(days=14)
RETRY_WINDOW = datetime.timedelta(seconds=10)
"""How long a spent refresh token may come again: an answer can get lost, and two pages can ask at once."""


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
    expires_at: datetime.datetime | None = None
    """When a guest is removed; None for everybody else."""


@dataclass(frozen=True)
class Deletion:
    """An account that is gone, and the services that have not removed yet what it left."""

    id: str
    requested_at: datetime.datetime
    remaining: tuple[str, ...]


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token as its owner has it; we keep a digest."""

    token: str
    expires_at: datetime.datetime


@dataclass(frozen=True)
class Session:
    """What a login gives, and each refresh anew."""

    access_token: str
    expires_in_seconds: int
    account: Account
    refresh_token: str
    refresh_expires_in_seconds: int


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


class PasswordWrong(InvalidInput):
    """The present password, asked for before it is changed, is another."""

    def __init__(self) -> None:
        text = "This is not the present password."
        super().__init__(text, violations=[Violation("current_password", text)])


class ResetTokenRefused(InvalidInput):
    """The token of a password reset is unknown, expired, or was used."""

    def __init__(self) -> None:
        text = "This link counts no more: ask for another one."
        super().__init__(text, violations=[Violation("token", text)])


class NotForGuests(Forbidden):
    """A guest has no password and no alias of its own."""


class GuestRegistered(Conflict):
    """The guest has become an account already."""


class RotationUnderWay(Exception):
    """There are two keys already; `until` is when the older one is gone."""

    def __init__(self, until: datetime.datetime) -> None:
        super().__init__(until)
        self.until = until


class DeletionNotFound(NotFound):
    """There is no such deletion, or it was complete long ago."""


class RefreshTokenMissing(Unauthenticated):
    """Neither a cookie nor the body has a refresh token."""


class RefreshTokenRefused(Unauthenticated):
    """The refresh token is unknown, expired, revoked, or was used before."""


class RequestedWithMissing(Forbidden):
    """A cookie came without the header that shows that a page of ours sent it."""


class TooManyLogins(Exhausted):
    """More passwords wait to be checked than can be in the time that their callers wait."""


def unique_key(name: str) -> str:
    """What two e-mail addresses or aliases share that count as the same: case and composition do not matter."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def new_secret() -> str:
    """256 random bits, base64url."""
    return secrets.token_urlsafe(32)


def successor(token: str, salt: str) -> str:
    """The refresh token that follows another: the same for each retry, although only digests are kept.

    Args:
        token: The one that was spent; the database does not have it.
        salt: Of its row; its owner does not have it. So neither a stolen token nor a stolen database gives the next.
    """
    return hmac.new(token.encode(), salt.encode(), hashlib.sha256).hexdigest()


def digest(secret: str) -> str:
    """What is kept of a secret of 256 random bits: no salt and no slow hash are needed for it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def guest_alias() -> str:
    """A name that nobody has."""
    return f"guest{secrets.token_hex(6)}"


def check_password(password: str, email: str, alias: str, common: Collection[str], field: str = "password") -> None:
    """Raises PasswordTooCommon.

    Args:
        password: As it was chosen; its length is the contract's business.
        email: The address of the account.
        alias: The alias of the account.
        common: The passwords that most people choose, in lower case.
        field: Where the password stands in the request.
    """
    guess = unique_key(password)
    if guess in common:
        problem = "is one of the passwords that are guessed first"
    elif guess in (unique_key(email), unique_key(alias)):
        problem = "is the same as the e-mail address or the alias"
    else:
        return
    raise PasswordTooCommon(
        f"Choose another password: this one {problem}.", violations=[Violation(field, f"This {problem}.")]
    )


def taken(fields: Sequence[str]) -> EmailTaken | AliasTaken:
    """The error for a registration whose `email`, `alias` or both belong to another account."""
    described = {"email": "This e-mail address has an account already.", "alias": "This alias is taken."}
    kind = EmailTaken if "email" in fields else AliasTaken
    violations = [Violation(field, described[field]) for field in fields]
    return kind(" ".join(violation.description for violation in violations), violations=violations)
