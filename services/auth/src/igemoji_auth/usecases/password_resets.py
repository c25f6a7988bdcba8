"""Password resets by a link in a mail, or by a link from an operator."""

import asyncio
import datetime
from dataclasses import dataclass, field

from igemoji_auth import metrics
from igemoji_auth.domain.errors import ResetTokenRefused
from igemoji_auth.domain.model import Account, check_password, digest, new_secret, unique_key
from igemoji_auth.usecases.ports import AccountStore, Mailer, Now, PasswordResetStore, Passwords
from igemoji_auth.usecases.throttle import CONFIRM_FROM_ADDRESS, RESET_FROM_ADDRESS, RESET_OF_ACCOUNT, Throttle
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.metrics import counter

MAILS = counter(metrics.MAILS)

QUEUE_SIZE = 100
"""Requests that wait for their mail; more are dropped and can be repeated."""


@dataclass(frozen=True)
class PasswordResets:
    """Sends links and sets new passwords."""

    _accounts: AccountStore
    _passwords: Passwords
    _throttle: Throttle
    _store: PasswordResetStore
    _mailer: Mailer | None
    """None: nothing is sent; an operator creates the links."""
    _public_url: str
    _now: Now
    _requests: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))

    async def request(self, email: str, address: str) -> None:
        """Queue the request and nothing else, so that the answer and its time reveal nothing. Raises TooManyTries."""
        await self._throttle.count(RESET_FROM_ADDRESS, address)
        await self._throttle.begin(RESET_OF_ACCOUNT, unique_key(email))
        if self._mailer is None:
            log.warning("password_reset.no_smtp", hint="Set SMTP_URL, or run igemoji-auth reset-password.")
        elif self._requests.full():
            log.error("password_reset.dropped", queue_size=QUEUE_SIZE)
        else:
            self._requests.put_nowait(email)

    async def send_forever(self) -> None:
        """Mail the requested links."""
        while self._mailer is not None:
            await self._send(self._mailer, await self._requests.get())

    async def confirm(self, token: str, password: str, address: str) -> None:
        """Set the password and end every session. Raises ResetTokenRefused, PasswordTooCommon, TooManyTries."""
        await self._throttle.count(CONFIRM_FROM_ADDRESS, address)
        account = await self._store.account(digest(token), self._now())
        if account is None:
            raise ResetTokenRefused
        check_password(password, account.email or "", account.alias, self._passwords.common, "new_password")
        password_hash = await self._passwords.hash(password)
        if not await self._store.use(digest(token), password_hash, self._now()):
            raise ResetTokenRefused

    async def _send(self, mailer: Mailer, email: str) -> None:
        account = await self._accounts.by_email_key(unique_key(email))
        if account is None:
            return
        link = await new_link(self._store, account, self._public_url, self._now())
        try:
            await mailer.send_reset(account.email or "", account.alias, link)
        except Exception as error:
            MAILS.labels("failed").inc()
            # Without the server's message, which contains the address.
            log.error("mail.failed", error=type(error).__name__, code=getattr(error, "smtp_code", None))
        else:
            MAILS.labels("sent").inc()


async def new_link(store: PasswordResetStore, account: Account, public_url: str, now: datetime.datetime) -> str:
    """Return a link that can be used once, within RESET_LIFETIME."""
    token = new_secret()
    await store.add(digest(token), account.id, now)
    # In the fragment, which browsers don't send: the token is in no log and in no Referer.
    return f"{public_url.rstrip('/')}/reset-password#token={token}"
