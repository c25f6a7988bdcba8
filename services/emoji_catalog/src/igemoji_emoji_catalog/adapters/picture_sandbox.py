"""Sandbox for uploaded pictures: no file of a stranger is decoded in the service's own process."""

from igemoji_emoji_catalog.domain.model import InvalidValue
from igemoji_mesh.errors import Unavailable
from igemoji_mesh.observability.logging import log
from igemoji_vision.errors import PictureUnfit
from igemoji_vision.sandbox.pictures import PictureSandbox
from igemoji_vision.sandbox.process import SandboxBroken


class SandboxedPictures:
    """Normalizes pictures and makes thumbnails in `processes` processes, which are started when they are needed."""

    def __init__(self, processes: int) -> None:
        self._sandbox = PictureSandbox(processes)

    async def normalize(self, picture: bytes, keep_background: bool) -> bytes:
        """Return an uploaded picture in its stored form. Raises InvalidValue, Unavailable."""
        try:
            return await self._sandbox.normalize(picture, keep_background)
        except PictureUnfit as fault:
            raise InvalidValue(str(fault)) from None
        except SandboxBroken as error:
            raise _unavailable(error) from None

    async def thumbnail(self, png: bytes, width: int) -> bytes:
        """Return a stored picture as a WebP of a width in pixels. Raises Unavailable."""
        try:
            return await self._sandbox.thumbnail(png, width)
        except (PictureUnfit, SandboxBroken) as error:
            raise _unavailable(error) from None

    async def close(self) -> None:
        """End the processes."""
        await self._sandbox.close()


def _unavailable(error: Exception) -> Unavailable:
    log.error("sandbox.failed", error=str(error))
    return Unavailable("Pictures can't be processed at the moment. Try again soon.", retry_after_seconds=2)
