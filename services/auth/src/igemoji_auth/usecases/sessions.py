"""Logins: passwords are turned into tokens, refresh tokens into new ones."""

import datetime
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from igemoji_auth.domain.model import Account, RefreshToken, RefreshTokenRefused, Session, WrongCredentials, unique_key
from igemoji_auth.usecases.accounts import AccountStore, Passwords
from igemoji_auth.usecases.throttle import LOGIN_FROM_ADDRESS, LOGIN_OF_ACCOUNT, Throttle, TooManyTries
from igemoji_mesh.auth.tokens import Claims, PublicKey, SigningKey, issue
from igemoji_mesh.observability.metrics import counter

T = TypeVar("T")

LOGINS = counter("igemoji_logins_total")
REFRESHES = counter("igemoji_refreshes_total")


class KeyStore(Protocol):
    async def published(self) -> Sequence[SigningKey]: ...

    async def signing(self, now: datetime.datetime) -> SigningKey: ...


class RefreshStore(Protocol):
    """Refresh tokens in families: all that go back to one login."""

    async def start_family(
        self, account: Account, now: datetime.datetime, session_with: Callable[[RefreshToken], T]
    ) -> T:
        """What is made with the first token of a new family."""

    async def spend(self, token: str, now: datetime.datetime) -> tuple[Account, RefreshToken] | None:
        """The account and the next token; None for one that does not count, whose family is revoked if it was spent."""

    async def revoke_family(self, token: str) -> None: ...


class Sessions:
    def __init__(
        self,
        accounts: AccountStore,
        throttle: Throttle,
        refresh_tokens: RefreshStore,
        keys: KeyStore,
        passwords: Passwords,
        *,
        access_token_seconds: int,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._accounts = accounts
        self._throttle = throttle
        self._refresh_tokens = refresh_tokens
        self._keys = keys
        self._passwords = passwords
        self._access_token_seconds = access_token_seconds
        self._now = now

    async def login(self, email: str, password: str, address: str) -> Session:
        """Raises WrongCredentials or TooManyTries, for an account that exists and one that does not alike."""
        email_key = unique_key(email)
        try:
            await self._throttle.check(LOGIN_FROM_ADDRESS, address)
            try_id = await self._throttle.begin(LOGIN_OF_ACCOUNT, email_key)
        except TooManyTries:
            LOGINS.labels("too_many_tries").inc()
            raise
        account = await self._authenticate(email_key, password, try_id)
        if account is None:
            LOGINS.labels("wrong_credentials").inc()
            with suppress(TooManyTries):  # it was one of many at once: the next is refused
                await self._throttle.count(LOGIN_FROM_ADDRESS, address)
            raise WrongCredentials("The e-mail address or the password is not right.")
        await self._throttle.take_back(try_id)
        LOGINS.labels("ok").inc()
        return await self.start(account)

    async def start(self, account: Account) -> Session:
        """A session with a family of refresh tokens of its own, for somebody who has shown who they are."""
        now = self._now()
        key = await self._keys.signing(now)
        return await self._refresh_tokens.start_family(
            account, now, lambda token: self._session(account, token, key, now)
        )

    async def refresh(self, token: str) -> Session:
        """Raises RefreshTokenRefused."""
        renewed = await self._refresh_tokens.spend(token, self._now())
        if renewed is None:
            REFRESHES.labels("refused").inc()
            raise RefreshTokenRefused("This login is over. Log in again.")
        REFRESHES.labels("ok").inc()
        now = self._now()
        return self._session(*renewed, await self._keys.signing(now), now)

    async def logout(self, token: str) -> None:
        await self._refresh_tokens.revoke_family(token)

    async def public_keys(self) -> Sequence[PublicKey]:
        """The keys of all tokens that may be in use."""
        return [key.public for key in await self._keys.published()]

    async def _authenticate(self, email_key: str, password: str, try_id: str) -> Account | None:
        try:
            account = await self._accounts.by_email_key(email_key)
            right = await self._passwords.matches(password, account.password_hash if account else None)
        except BaseException:  # a deadline, or too much to do: no verdict, so nothing to hold against the account
            await self._throttle.take_back(try_id)
            raise
        return account if right else None

    def _session(
        self, account: Account, refresh_token: RefreshToken, key: SigningKey, now: datetime.datetime
    ) -> Session:
        claims = Claims(account.id, account.alias, account.role)
        token = issue(claims, key, lifetime_seconds=self._access_token_seconds, now=now)
        refresh_seconds = int((refresh_token.expires_at - now).total_seconds())
        return Session(token, self._access_token_seconds, account, refresh_token.token, refresh_seconds)
