"""A private S3 server that starts in a moment: objects are files in a folder."""

import importlib.util
import sys
from urllib.parse import urlencode

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.server import BackendMissing, BackendServer, answers

ACCESS_KEY = "igemoji"


class Nanio(BackendServer):
    """The S3 server of the package `nanio`."""

    name = "s3"

    @property
    def endpoint(self) -> str:
        """URL of the S3 API."""
        return f"http://{HOST}:{self.port}"

    @property
    def keys(self) -> dict[str, str]:
        """The credentials, as the environment variables of the services."""
        return {"OBJECT_STORE_ACCESS_KEY": ACCESS_KEY, "OBJECT_STORE_SECRET_KEY": self._secret("s3")}

    def url(self, bucket: str) -> str:
        """Return the `OBJECT_STORE_URL` of a bucket, or of `bucket/prefix`."""
        return f"s3://{bucket}?{urlencode({'endpoint': self.endpoint})}"

    async def _bring_up(self) -> None:
        if importlib.util.find_spec("nanio") is None:
            raise BackendMissing("nanio, the S3 server for one machine, is not installed: run `make install-backends`.")
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        await self._run(
            self.name,
            [sys.executable, "-m", "nanio", "serve", "--no-access-log", "--log-level", "warning"],
            {
                "NANIO_HOST": HOST,
                "NANIO_PORT": str(self.port),
                "NANIO_DATA_DIR": str(data),
                "NANIO_ACCESS_KEY": ACCESS_KEY,
                "NANIO_SECRET_KEY": self._secret("s3"),
            },
            lambda: answers(self.port, f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(), b"HTTP/1.1 "),
        )
