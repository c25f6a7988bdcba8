"""Accounts are made and looked up."""

import datetime
from collections.abc import Callable, Collection
from typing import Protocol

from igemoji_auth.domain import USER_ROLE, Account, AccountGone, check_password, taken, unique_key
from igemoji_mesh.ids import new_id


class AccountStore(Protocol):
    async def add(self, account: Account) -> None:
        """Raises EmailTaken or AliasTaken where another account was first."""

    async def taken(self, *, email_key: str | None = None, alias_key: str | None = None) -> list[str]:
        """Which of `email` and `alias` belong to an account."""

    async def by_email_key(self, email_key: str) -> Account | None: ...

    async def by_id(self, account_id: str) -> Account | None: ...


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
        passwords: Passwords,
        *,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._passwords = passwords
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

    async def me(self, account_id: str) -> Account:
        """Raises AccountGone."""
        account = await self._store.by_id(account_id)
        if account is None:
            raise AccountGone("This account no longer exists.")
        return account
