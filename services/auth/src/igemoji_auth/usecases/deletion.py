"""Account deletion and its progress."""

from igemoji_auth.domain.errors import AccountGone, DeletionNotFound
from igemoji_auth.domain.model import Deletion
from igemoji_auth.usecases.ports import DeletionStore, Now


class Deletions:
    """Deletes accounts and reports which services have not deleted their data yet."""

    def __init__(self, store: DeletionStore, now: Now) -> None:
        self._store = store
        self._now = now

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
