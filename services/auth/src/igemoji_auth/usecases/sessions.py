"""Login, refresh and logout."""

import datetime
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from igemoji_auth import metrics
from igemoji_auth.domain.errors import RefreshTokenRefused, TooManyTries, WrongCredentials
from igemoji_auth.domain.model import Account, RefreshToken, Session, unique_key
from igemoji_auth.usecases.ports import AccountStore, Now, Passwords, RefreshTokenStore, SigningKeys
from igemoji_auth.usecases.throttle import LOGIN_FROM_ADDRESS, LOGIN_OF_ACCOUNT, Throttle
from igemoji_mesh.auth.tokens import Claims, PublicKey, SigningKey, issue
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.observability.metrics import counter

LOGINS = counter(metrics.LOGINS)
REFRESHES = counter(metrics.REFRESHES)


@dataclass(frozen=True)
class Sessions:
    """Exchanges passwords and refresh tokens for access tokens."""

    _accounts: AccountStore
    _passwords: Passwords
    _throttle: Throttle
    _refresh_tokens: RefreshTokenStore
    _keys: SigningKeys
    _access_token_seconds: int
    _now: Now

    async def login(self, email: str, password: str, address: str) -> Session:
        """Start a session. Raises WrongCredentials or TooManyTries, whether the account exists or not."""
        email_key = unique_key(email)
        try:
            await self._throttle.check(LOGIN_FROM_ADDRESS, address)
            attempt_id = await self._throttle.begin(LOGIN_OF_ACCOUNT, email_key)
        except TooManyTries:
            LOGINS.labels("too_many_tries").inc()
            raise
        account = await self._authenticate(email_key, password, attempt_id)
        if account is None:
            LOGINS.labels("wrong_credentials").inc()
            with suppress(TooManyTries):  # one of several concurrent attempts: the next one is refused
                await self._throttle.count(LOGIN_FROM_ADDRESS, address)
            raise WrongCredentials("The e-mail address or the password is wrong.")
        await self._throttle.forgive(attempt_id)
        LOGINS.labels("ok").inc()
        return await self.start(account)

    async def start(self, account: Account, replay: Replay[Session] = NO_REPLAY) -> Session:
        """Start a session, with a new family of refresh tokens, for an authenticated account."""
        now = self._now()
        key = await self._keys.signing(now)
        return await self._refresh_tokens.start_family(
            account, now, lambda token: self._session(account, token, key, now), replay
        )

    async def refresh(self, token: str) -> Session:
        """Exchange a refresh token for new tokens. Raises RefreshTokenRefused."""
        renewed = await self._refresh_tokens.spend(token, self._now())
        if renewed is None:
            REFRESHES.labels("refused").inc()
            raise RefreshTokenRefused("This session has ended. Log in again.")
        REFRESHES.labels("ok").inc()
        now = self._now()
        return self._session(*renewed, await self._keys.signing(now), now)

    async def logout(self, token: str) -> None:
        """End the session of a refresh token."""
        await self._refresh_tokens.revoke_family(token)

    async def public_keys(self) -> Sequence[PublicKey]:
        """Return the keys of all tokens that may be valid."""
        return [key.public for key in await self._keys.published()]

    async def _authenticate(self, email_key: str, password: str, attempt_id: str) -> Account | None:
        try:
            account = await self._accounts.by_email_key(email_key)
            right = await self._passwords.matches(password, account.password_hash if account else None)
        except BaseException:  # a deadline or overload: the password was not checked, so the attempt must not count
            await self._throttle.forgive(attempt_id)
            raise
        return account if right else None

    def _session(
        self, account: Account, refresh_token: RefreshToken, key: SigningKey, now: datetime.datetime
    ) -> Session:
        claims = Claims(account.id, account.alias, account.role)
        token = issue(claims, key, lifetime_seconds=self._access_token_seconds, now=now)
        refresh_seconds = int((refresh_token.expires_at - now).total_seconds())
        return Session(token, self._access_token_seconds, account, refresh_token.token, refresh_seconds)
