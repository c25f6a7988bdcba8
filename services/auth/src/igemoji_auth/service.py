"""What auth does: accounts are made and looked up, passwords are turned into tokens."""

import datetime
import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from prometheus_client import Counter

from igemoji_auth.domain import (
    USER_ROLE,
    Account,
    AccountGone,
    Session,
    TooManyTries,
    WrongCredentials,
    check_password,
    taken,
    unique_key,
)
from igemoji_mesh.ids import new_id
from igemoji_mesh.tokens import Claims, PublicKey, SigningKey, issue

LOGINS = Counter("igemoji_logins", "Logins by outcome: ok, wrong_credentials or too_many_tries.", ["outcome"])


class AccountStore(Protocol):
    async def add(self, account: Account) -> None:
        """Raises EmailTaken or AliasTaken where another account was first."""

    async def taken(self, *, email_key: str | None = None, alias_key: str | None = None) -> list[str]:
        """Which of `email` and `alias` belong to an account."""

    async def by_email_key(self, email_key: str) -> Account | None: ...

    async def by_id(self, account_id: str) -> Account | None: ...


class TryStore(Protocol):
    """Logins that failed, or are not decided yet, by account."""

    async def begin(self, account_key: str, now: datetime.datetime) -> str:
        """Counts a try before it is made, so that many at once do not slip past; raises TooManyTries."""

    async def take_back(self, try_id: str) -> None: ...


class KeyStore(Protocol):
    async def signing_keys(self) -> Sequence[SigningKey]:
        """The newest first."""


class Passwords(Protocol):
    @property
    def common(self) -> Collection[str]:
        """Passwords that are guessed first, in lower case."""

    async def hash(self, password: str) -> str: ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """The same work for a missing hash as for a wrong password."""


class Accounts:
    def __init__(
        self,
        store: AccountStore,
        tries: TryStore,
        keys: KeyStore,
        passwords: Passwords,
        *,
        access_token_seconds: int,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._tries = tries
        self._keys = keys
        self._passwords = passwords
        self._access_token_seconds = access_token_seconds
        self._now = now

    async def email_is_free(self, email: str) -> bool:
        return not await self._store.taken(email_key=unique_key(email))

    async def alias_is_free(self, alias: str) -> bool:
        return not await self._store.taken(alias_key=unique_key(alias))

    async def register(self, email: str, password: str, alias: str) -> Account:
        """Raises PasswordTooCommon, EmailTaken, AliasTaken."""
        check_password(password, email, alias, self._passwords.common)
        fields = await self._store.taken(email_key=unique_key(email), alias_key=unique_key(alias))
        if fields:
            raise taken(fields)
        password_hash = await self._passwords.hash(password)
        account = Account(new_id(), email, alias, USER_ROLE, self._now(), password_hash)
        await self._store.add(account)
        return account

    async def login(self, email: str, password: str) -> Session:
        """Raises WrongCredentials or TooManyTries, for an account that exists and one that does not alike."""
        email_key = unique_key(email)
        # A digest, because what is typed into the form need not be somebody's address: it may be a password.
        account_key = hashlib.sha256(email_key.encode()).hexdigest()
        try:
            try_id = await self._tries.begin(account_key, self._now())
        except TooManyTries:
            LOGINS.labels("too_many_tries").inc()
            raise
        account = await self._authenticate(email_key, password, try_id)
        if account is None:
            LOGINS.labels("wrong_credentials").inc()
            raise WrongCredentials("The e-mail address or the password is not right.")
        await self._tries.take_back(try_id)
        LOGINS.labels("ok").inc()
        return await self._session(account)

    async def me(self, account_id: str) -> Account:
        """Raises AccountGone."""
        account = await self._store.by_id(account_id)
        if account is None:
            raise AccountGone("This account no longer exists.")
        return account

    async def public_keys(self) -> Sequence[PublicKey]:
        """The keys of all tokens that may be in use."""
        return [key.public for key in await self._keys.signing_keys()]

    async def _authenticate(self, email_key: str, password: str, try_id: str) -> Account | None:
        try:
            account = await self._store.by_email_key(email_key)
            right = await self._passwords.matches(password, account.password_hash if account else None)
        except BaseException:  # a deadline, or too much to do: no verdict, so nothing to hold against the account
            await self._tries.take_back(try_id)
            raise
        return account if right else None

    async def _session(self, account: Account) -> Session:
        newest = (await self._keys.signing_keys())[0]
        claims = Claims(account.id, account.alias, account.role)
        token = issue(claims, newest, lifetime_seconds=self._access_token_seconds, now=self._now())
        return Session(token, self._access_token_seconds, account)
