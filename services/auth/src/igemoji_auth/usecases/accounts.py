"""Registration, guests, and changes of alias and password."""

from dataclasses import dataclass, replace

from igemoji_auth.domain.errors import AccountGone, GuestRegistered, NotForGuests, PasswordWrong, already_taken
from igemoji_auth.domain.model import (
    GUEST_LIFETIME,
    GUEST_ROLE,
    USER_ROLE,
    Account,
    check_password,
    guest_alias,
    unique_key,
)
from igemoji_auth.usecases.ports import AccountStore, Now, Passwords
from igemoji_auth.usecases.throttle import (
    AVAILABILITY_FROM_ADDRESS,
    GUEST_FROM_ADDRESS,
    PASSWORD_OF_ACCOUNT,
    REGISTER_FROM_ADDRESS,
    Throttle,
)
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.ids import new_id


@dataclass(frozen=True)
class Accounts:
    """Creates, reads and changes accounts."""

    _store: AccountStore
    _passwords: Passwords
    _throttle: Throttle
    _now: Now

    async def email_is_free(self, email: str, address: str) -> bool:
        """Check that no account has an e-mail address. Raises TooManyTries."""
        await self._throttle.count(AVAILABILITY_FROM_ADDRESS, address)
        return not await self._store.taken_fields(email_key=unique_key(email))

    async def alias_is_free(self, alias: str, address: str) -> bool:
        """Check that no account has an alias. Raises TooManyTries."""
        await self._throttle.count(AVAILABILITY_FROM_ADDRESS, address)
        return not await self._store.taken_fields(alias_key=unique_key(alias))

    async def register(
        self,
        email: str,
        password: str,
        alias: str,
        address: str,
        guest_id: str | None = None,
        replay: Replay[Account] = NO_REPLAY,
    ) -> Account:
        """Create an account, or turn a guest into one that keeps its id.

        Raises TooManyTries, PasswordTooCommon, EmailTaken, AliasTaken; for a guest AccountGone or GuestRegistered.
        """
        await self._throttle.count(REGISTER_FROM_ADDRESS, address)
        check_password(password, email, alias, self._passwords.common)
        keys = {"email_key": unique_key(email), "alias_key": unique_key(alias)}
        fields = await self._store.taken_fields(**keys, except_user_id=guest_id)
        if fields:
            raise already_taken(fields)
        guest = await self.me(guest_id) if guest_id else None
        password_hash = await self._passwords.hash(password)
        if guest is None:
            account = Account(new_id(), email, alias, USER_ROLE, self._now(), password_hash)
            await self._store.add(account, replay)
            return account
        account = Account(guest.id, email, alias, USER_ROLE, guest.created_at, password_hash)
        if not await self._store.register_guest(account, self._now(), replay):
            raise GuestRegistered("This guest is already registered. Log in.")
        return account

    async def start_guest(self, address: str) -> Account:
        """Create a guest account. Raises TooManyTries."""
        await self._throttle.count(GUEST_FROM_ADDRESS, address)
        now = self._now()
        account = Account(new_id(), None, guest_alias(), GUEST_ROLE, now, None, now + GUEST_LIFETIME)
        await self._store.add(account, NO_REPLAY)  # the replay of StartGuest is saved with its session
        return account

    async def me(self, user_id: str) -> Account:
        """Return an account. Raises AccountGone."""
        account = await self._store.by_id(user_id)
        if account is None or (account.expires_at is not None and account.expires_at <= self._now()):
            raise AccountGone
        return account

    async def rename(self, user_id: str, alias: str) -> Account:
        """Change the alias. Raises AliasTaken, AccountGone, NotForGuests."""
        account = await self._registered(user_id)
        if alias == account.alias:
            return account
        if not await self._store.rename(user_id, alias, self._now()):
            raise AccountGone
        return replace(account, alias=alias)

    async def change_password(self, user_id: str, current: str, new: str) -> Account:
        """Change the password and end every session of the account.

        Raises PasswordWrong, PasswordTooCommon, TooManyTries, AccountGone, NotForGuests.
        """
        account = await self._registered(user_id)
        check_password(new, account.email or "", account.alias, self._passwords.common, "new_password")
        attempt_id = await self._throttle.begin(PASSWORD_OF_ACCOUNT, user_id)
        if not await self._passwords.matches(current, account.password_hash):
            raise PasswordWrong
        await self._throttle.forgive(attempt_id)
        await self._store.set_password(user_id, await self._passwords.hash(new))
        return account

    async def _registered(self, user_id: str) -> Account:
        account = await self.me(user_id)
        if account.role == GUEST_ROLE:
            raise NotForGuests("Guests have no password, and their alias can't be changed. Register first.")
        return account
