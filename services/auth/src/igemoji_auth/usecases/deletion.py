"""Account deletion and its progress."""

from dataclasses import dataclass

from igemoji_auth.domain.errors import AccountGone, DeletionNotFound
from igemoji_auth.domain.model import Deletion
from igemoji_auth.usecases.ports import DeletionStore, Now


@dataclass(frozen=True)
class Deletions:
    """Deletes accounts and reports which services have not deleted their data yet."""

    _store: DeletionStore
    _now: Now

    async def delete(self, user_id: str) -> Deletion:
        """Delete an account at once; its data in other services follows. Raises AccountGone."""
        deletion = await self._store.delete_account(user_id, self._now())
        if deletion is None:
            raise AccountGone
        return deletion

    async def find(self, deletion_id: str) -> Deletion:
        """Return a deletion. Raises DeletionNotFound."""
        deletion = await self._store.find(deletion_id)
        if deletion is None:
            raise DeletionNotFound("There is no such deletion, or it was completed long ago.")
        return deletion
