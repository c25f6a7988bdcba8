"""Share links: secret URLs of results, which expire and can be revoked."""

import datetime
import secrets
from collections.abc import Iterator

from igemoji_inference.domain.errors import LinkNotFound
from igemoji_inference.domain.model import Share, Task, utc_now
from igemoji_inference.usecases.ports import ShareStore
from igemoji_inference.usecases.tasks import open_result
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore

TOKEN_BYTES = 16


class Sharing:
    """Share results of tasks by link."""

    def __init__(self, store: ShareStore, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def share(self, task_id: str, days: int, replay: Replay[Share] = NO_REPLAY, *, user_id: str) -> Share:
        """Create a link to a result. Raises TaskNotFound or ResultNotReady."""
        share = Share(secrets.token_urlsafe(TOKEN_BYTES), utc_now() + datetime.timedelta(days=days))
        await self._store.add(task_id, user_id, share, replay)
        return share

    async def unshare(self, task_id: str, *, user_id: str) -> None:
        """Revoke all links to a result. Raises TaskNotFound."""
        await self._store.revoke(task_id, user_id)

    async def shared(self, token: str) -> tuple[Task, datetime.datetime]:
        """Return the task of a link, and when the link expires. Raises LinkNotFound."""
        return await self._store.find(token)

    async def shared_image(self, token: str, *, as_link: bool = False) -> tuple[Task, Iterator[bytes] | str]:
        """Return the shared result in chunks or, with `as_link`, a URL if the object store can sign one.

        Raises LinkNotFound or ObjectDamaged.
        """
        task, _ = await self._store.find(token)
        try:
            return task, await open_result(self._objects, task, as_link=as_link)
        except ObjectMissing:
            raise LinkNotFound from None
