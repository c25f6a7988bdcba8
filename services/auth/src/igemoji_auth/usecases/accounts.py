"""Accounts are made and looked up."""

import datetime
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol

from igemoji_auth.domain.model import (
    GUEST_LIFETIME,
    GUEST_ROLE,
    USER_ROLE,
    Account,
    AccountGone,
    GuestRegistered,
    NotForGuests,
    PasswordWrong,
    check_password,
    guest_alias,
    taken,
    unique_key,
)
from igemoji_auth.usecases.throttle import (
    AVAILABILITY_FROM_ADDRESS,
    GUEST_FROM_ADDRESS,
    PASSWORD_OF_ACCOUNT,
    REGISTER_FROM_ADDRESS,
    Throttle,
)
from igemoji_mesh.ids import new_id


class AccountStore(Protocol):
    async def add(self, account: Account) -> None:
        """Raises EmailTaken or AliasTaken where another account was first."""

    async def rename(self, account_id: str, alias: str, now: datetime.datetime) -> bool:
        """False where the account is gone. Raises AliasTaken."""

    async def register_guest(self, account: Account, now: datetime.datetime) -> bool:
        """Stores what a guest became; False where it is gone or has registered. Raises EmailTaken, AliasTaken."""

    async def set_password(self, account_id: str, password_hash: str) -> None:
        """Every login of the account is over."""

    async def taken(
        self, *, email_key: str | None = None, alias_key: str | None = None, but_of: str | None = None
    ) -> list[str]:
        """Which of `email` and `alias` belong to an account other than `but_of`."""

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
        throttle: Throttle,
        *,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._throttle = throttle
        self._now = now

    async def email_is_free(self, email: str, address: str) -> bool:
        """Raises TooManyTries."""
        await self._throttle.count(AVAILABILITY_FROM_ADDRESS, address)
        return not await self._store.taken(email_key=unique_key(email))

    async def alias_is_free(self, alias: str, address: str) -> bool:
        """Raises TooManyTries."""
        await self._throttle.count(AVAILABILITY_FROM_ADDRESS, address)
        return not await self._store.taken(alias_key=unique_key(alias))

    async def register(
        self, email: str, password: str, alias: str, address: str, guest_id: str | None = None
    ) -> Account:
        """Makes an account, or one of a guest, which keeps its id.

        Raises TooManyTries, PasswordTooCommon, EmailTaken, AliasTaken; for a guest AccountGone or GuestRegistered.
        """
        await self._throttle.count(REGISTER_FROM_ADDRESS, address)
        check_password(password, email, alias, self._passwords.common)
        keys = {"email_key": unique_key(email), "alias_key": unique_key(alias)}
        fields = await self._store.taken(**keys, but_of=guest_id)
        if fields:
            raise taken(fields)
        guest = await self.me(guest_id) if guest_id else None
        password_hash = await self._passwords.hash(password)
        if guest is None:
            account = Account(new_id(), email, alias, USER_ROLE, self._now(), password_hash)
            await self._store.add(account)
            return account
        account = Account(guest.id, email, alias, USER_ROLE, guest.created_at, password_hash)
        if not await self._store.register_guest(account, self._now()):
            raise GuestRegistered("This guest has registered already: log in.")
        return account

    async def start_guest(self, address: str) -> Account:
        """Raises TooManyTries."""
        await self._throttle.count(GUEST_FROM_ADDRESS, address)
        now = self._now()
        account = Account(new_id(), None, guest_alias(), GUEST_ROLE, now, None, now + GUEST_LIFETIME)
        await self._store.add(account)
        return account

    async def me(self, account_id: str) -> Account:
        """Raises AccountGone."""
        account = await self._store.by_id(account_id)
        if account is None or (account.expires_at is not None and account.expires_at <= self._now()):
            raise AccountGone("This account no longer exists.")
        return account

    async def rename(self, account_id: str, alias: str) -> Account:
        """Raises AliasTaken, AccountGone, NotForGuests."""
        account = await self._registered(account_id)
        if alias == account.alias:
            return account
        if not await self._store.rename(account_id, alias, self._now()):
            raise AccountGone("This account no longer exists.")
        return replace(account, alias=alias)

    async def change_password(self, account_id: str, present: str, new: str) -> Account:
        """Every login of the account is over.

        Raises PasswordWrong, PasswordTooCommon, TooManyTries, AccountGone, NotForGuests.
        """
        account = await self._registered(account_id)
        check_password(new, account.email or "", account.alias, self._passwords.common, "new_password")
        try_id = await self._throttle.begin(PASSWORD_OF_ACCOUNT, account_id)
        if not await self._passwords.matches(present, account.password_hash):
            raise PasswordWrong
        await self._throttle.take_back(try_id)
        await self._store.set_password(account_id, await self._passwords.hash(new))
        return account

    async def _registered(self, account_id: str) -> Account:
        account = await self.me(account_id)
        if account.role == GUEST_ROLE:
            raise NotForGuests("Register first: a guest has neither a password nor an alias of its own.")
        return account
