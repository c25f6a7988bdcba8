"""Accounts, sessions and the rules for aliases, passwords and tokens."""

import datetime
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from igemoji_auth.domain.errors import PasswordTooCommon
from igemoji_mesh.errors import Violation

USER_ROLE = "user"
OPERATOR_ROLE = "operator"
GUEST_ROLE = "guest"

GUEST_LIFETIME = datetime.timedelta(days=1)
RESET_LIFETIME = datetime.timedelta(minutes=30)
REFRESH_LIFETIME = datetime.timedelta(days=14)
RETRY_WINDOW = datetime.timedelta(seconds=10)
"""A spent refresh token is accepted for this long, since answers get lost and two pages may refresh at once."""


@dataclass(frozen=True)
class Account:
    """An account of a person, a guest or the system."""

    id: str
    email: str | None
    """None for guests and for the account that owns the built-in templates."""
    alias: str
    """The public name."""
    role: str
    created_at: datetime.datetime
    password_hash: str | None
    """None: login is impossible."""
    expires_at: datetime.datetime | None = None
    """When a guest is deleted; None for other accounts."""


@dataclass(frozen=True)
class Deletion:
    """A deleted account, and the services that have not deleted its data yet."""

    id: str
    requested_at: datetime.datetime
    remaining: tuple[str, ...]


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token as the client has it; the database has its digest."""

    token: str
    expires_at: datetime.datetime


@dataclass(frozen=True)
class Session:
    """The tokens that a login or a refresh returns, and their account."""

    access_token: str
    expires_in_seconds: int
    account: Account
    refresh_token: str
    refresh_expires_in_seconds: int


def unique_key(name: str) -> str:
    """Return the form in which e-mail addresses and aliases are compared: NFC, case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def new_secret() -> str:
    """Return 256 random bits, base64url."""
    return secrets.token_urlsafe(32)


def successor(token: str, salt: str) -> str:
    """Return the refresh token that follows another one: the same on every retry, although only digests are stored.

    Args:
        token: The spent token, which is not in the database.
        salt: From its row, which its owner does not have. Neither a stolen token nor a stolen database is enough.
    """
    return hmac.new(token.encode(), salt.encode(), hashlib.sha256).hexdigest()


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret of 256 random bits; such a secret needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def guest_alias() -> str:
    """Return a random alias."""
    return f"guest{secrets.token_hex(6)}"


def check_password(password: str, email: str, alias: str, common: Collection[str], field: str = "password") -> None:
    """Check that a password is not easy to guess; the contract checks its length. Raises PasswordTooCommon.

    Args:
        password: As chosen by the user.
        email: Address of the account.
        alias: Alias of the account.
        common: The most common passwords, in lower case.
        field: Name of the password's field in the request.
    """
    guess = unique_key(password)
    if guess in common:
        problem = "is one of the most common passwords"
    elif guess in (unique_key(email), unique_key(alias)):
        problem = "is the e-mail address or the alias"
    else:
        return
    raise PasswordTooCommon(
        f"Choose another password: this one {problem}.", violations=[Violation(field, f"This {problem}.")]
    )
