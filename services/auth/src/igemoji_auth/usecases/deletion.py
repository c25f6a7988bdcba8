"""Accounts are deleted, and it can be asked how far that is."""

import datetime
from collections.abc import Callable
from typing import Protocol

from igemoji_auth.domain.model import AccountGone, Deletion, DeletionNotFound


class DeletionStore(Protocol):
    async def delete_account(self, account_id: str, now: datetime.datetime) -> Deletion | None: ...

    async def find(self, deletion_id: str) -> Deletion | None: ...


class Deletions:
    def __init__(self, store: DeletionStore, now: Callable[[], datetime.datetime]) -> None:
        self._store = store
        self._now = now

    async def delete(self, account_id: str) -> Deletion:
        """The account is gone at once, what it left in other services soon. Raises AccountGone."""
        deletion = await self._store.delete_account(account_id, self._now())
        if deletion is None:
            raise AccountGone("This account no longer exists.")
        return deletion

    async def find(self, deletion_id: str) -> Deletion:
        """Raises DeletionNotFound."""
        deletion = await self._store.find(deletion_id)
        if deletion is None:
            raise DeletionNotFound("There is no such deletion, or it was complete long ago.")
        return deletion
