"""Ports of the use cases: they keep SQL, gRPC, bcrypt and SMTP out."""

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from igemoji_auth.domain.model import Account, RefreshToken
from igemoji_mesh.auth.tokens import SigningKey
from igemoji_mesh.idempotency.replay import Replay

T = TypeVar("T")

Now = Callable[[], datetime.datetime]


class AccountStore(Protocol):
    """Stores accounts."""

    async def add(self, account: Account, replay: Replay[Account]) -> None:
        """Store a new account. Raises EmailTaken or AliasTaken."""

    async def rename(self, user_id: str, alias: str, now: datetime.datetime) -> bool:
        """Change an alias; return False if there is no such account. Raises AliasTaken."""

    async def register_guest(self, account: Account, now: datetime.datetime, replay: Replay[Account]) -> bool:
        """Turn a guest into `account`; return False if it is no guest any more. Raises EmailTaken or AliasTaken."""

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Store a password and end every session of the account."""

    async def taken_fields(self, fields: Mapping[str, str], except_user_id: str | None = None) -> list[str]:
        """Return which of `email` and `alias` belong to an account other than `except_user_id`."""

    async def by_email_key(self, email_key: str) -> Account | None:
        """Return the account with an e-mail address."""

    async def by_id(self, user_id: str) -> Account | None:
        """Return the account with an id."""


class SigningKeys(Protocol):
    """Stores the keys that sign access tokens."""

    async def published(self) -> Sequence[SigningKey]:
        """Return the keys whose tokens may be valid."""

    async def signing(self, now: datetime.datetime) -> SigningKey:
        """Return the key that signs at `now`."""


class RefreshTokenStore(Protocol):
    """Stores refresh tokens in families: all tokens that descend from one login."""

    async def start_family(
        self, account: Account, now: datetime.datetime, to_session: Callable[[RefreshToken], T], replay: Replay[T]
    ) -> T:
        """Start a family; return what `to_session` makes of its first token."""

    async def spend(self, token: str, now: datetime.datetime) -> tuple[Account, RefreshToken] | None:
        """Return the account and the next token; None for an invalid token. A reused one revokes its family."""

    async def revoke_family(self, token: str) -> None:
        """Revoke the family of a token, if there is one."""


class PasswordResetStore(Protocol):
    """Stores the tokens of password resets as digests."""

    async def add(self, token_hash: str, user_id: str, now: datetime.datetime) -> None:
        """Store a token."""

    async def account(self, token_hash: str, now: datetime.datetime) -> Account | None:
        """Return the account of a valid token."""

    async def use(self, token_hash: str, password_hash: str, now: datetime.datetime) -> bool:
        """Store the password and end every session; return False if the token is not valid."""


class AttemptStore(Protocol):
    """Stores attempts in buckets; each one expires."""

    async def add(self, bucket: str, limit: int, now: datetime.datetime, expires_at: datetime.datetime) -> str | None:
        """Count an attempt and return its id; return None if the bucket has `limit` attempts already.

        Attempts are counted before they are made, so that concurrent ones can't exceed the limit.
        """

    async def full_until(self, bucket: str, limit: int, now: datetime.datetime) -> datetime.datetime | None:
        """Return when the first attempt in a full bucket expires; None if it is not full."""

    async def remove(self, attempt_id: str) -> None:
        """Remove an attempt."""


class Passwords(Protocol):
    """Hashes passwords."""

    common: Collection[str]
    """The most common passwords, in lower case."""

    async def hash(self, password: str) -> str:
        """Return the hash of a password."""

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Compare a password with a hash; a missing hash takes as long as a wrong password."""


class Mailer(Protocol):
    """Sends mails."""

    async def send_reset(self, to: str, alias: str, link: str) -> None:
        """Send the link of a password reset."""


@dataclass(frozen=True)
class ExportItem:
    """A template or result of a user."""

    id: str
    fields: Mapping[str, Any]
    """As in the JSON of the API."""
    pictures: Sequence[str]
    """Names of its pictures."""


@dataclass(frozen=True)
class Picture:
    """An image file."""

    content_type: str
    data: bytes


class ExportSource(Protocol):
    """Reads the user's data in another service, with the access token of the call."""

    async def items(self, user_id: str) -> Sequence[ExportItem]:
        """Return everything that the user made."""

    async def picture(self, item_id: str, name: str) -> Picture | None:
        """Return a picture of an item; None if it was deleted in the meantime."""
