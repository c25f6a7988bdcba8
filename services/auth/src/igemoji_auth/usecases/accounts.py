"""Registration, guests, and changes of alias and password."""

from dataclasses import dataclass, replace

from igemoji_auth.domain import errors, model
from igemoji_auth.usecases import throttle
from igemoji_auth.usecases.ports import AccountStore, Now, Passwords
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.ids import new_id


@dataclass(frozen=True)
class Accounts:
    """Creates, reads and changes accounts."""

    _store: AccountStore
    _passwords: Passwords
    _throttle: throttle.Throttle
    _now: Now

    async def is_free(self, field: str, value: str, address: str) -> bool:
        """Check that no account has an `email` or `alias`. Raises TooManyTries."""
        await self._throttle.count(throttle.AVAILABILITY_FROM_ADDRESS, address)
        return not await self._store.taken_fields({field: value})

    async def register(
        self, email: str, password: str, alias: str, address: str, guest_id: str | None, replay: Replay[model.Account]
    ) -> model.Account:
        """Create an account, or turn a guest into one that keeps its id.

        Raises TooManyTries, PasswordTooCommon, EmailTaken, AliasTaken; for a guest AccountGone or GuestRegistered.
        """
        await self._throttle.count(throttle.REGISTER_FROM_ADDRESS, address)
        model.check_password(password, email, alias, self._passwords.common)
        if fields := await self._store.taken_fields({"email": email, "alias": alias}, guest_id):
            raise errors.already_taken(fields)
        guest = await self.me(guest_id) if guest_id else None
        password_hash = await self._passwords.hash(password)
        if guest is None:
            account = model.Account(new_id(), email, alias, model.USER_ROLE, self._now(), password_hash)
            await self._store.add(account, replay)
            return account
        account = model.Account(guest.id, email, alias, model.USER_ROLE, guest.created_at, password_hash)
        if not await self._store.register_guest(account, self._now(), replay):
            raise errors.GuestRegistered("This guest is already registered. Log in.")
        return account

    async def start_guest(self, address: str) -> model.Account:
        """Create a guest account. Raises TooManyTries."""
        await self._throttle.count(throttle.GUEST_FROM_ADDRESS, address)
        now = self._now()
        account = model.Account(
            new_id(), None, model.guest_alias(), model.GUEST_ROLE, now, None, now + model.GUEST_LIFETIME
        )
        await self._store.add(account, NO_REPLAY)  # the replay of StartGuest is saved with its session
        return account

    async def me(self, user_id: str) -> model.Account:
        """Return an account. Raises AccountGone."""
        account = await self._store.by_id(user_id)
        if account is None or (account.expires_at is not None and account.expires_at <= self._now()):
            raise errors.AccountGone
        return account

    async def rename(self, user_id: str, alias: str) -> model.Account:
        """Change the alias. Raises AliasTaken, AccountGone, NotForGuests."""
        account = await self._registered(user_id)
        if alias == account.alias:
            return account
        if not await self._store.rename(user_id, alias, self._now()):
            raise errors.AccountGone
        return replace(account, alias=alias)

    async def change_password(self, user_id: str, current: str, new: str) -> model.Account:
        """Change the password and end every session of the account.

        Raises PasswordWrong, PasswordTooCommon, TooManyTries, AccountGone, NotForGuests.
        """
        account = await self._registered(user_id)
        model.check_password(new, account.email or "", account.alias, self._passwords.common, "new_password")
        attempt_id = await self._throttle.begin(throttle.PASSWORD_OF_ACCOUNT, user_id)
        if not await self._passwords.matches(current, account.password_hash):
            raise errors.PasswordWrong
        await self._throttle.forgive(attempt_id)
        await self._store.set_password(user_id, await self._passwords.hash(new))
        return account

    async def _registered(self, user_id: str) -> model.Account:
        account = await self.me(user_id)
        if account.role == model.GUEST_ROLE:
            raise errors.NotForGuests("Guests have no password, and their alias can't be changed. Register first.")
        return account
