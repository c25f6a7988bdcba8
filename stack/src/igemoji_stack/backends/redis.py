"""A private Redis for the progress feed."""

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.server import BackendServer, answers, program, write_private


class Redis(BackendServer):
    """Redis with a password and an append-only file."""

    name = "redis"

    @property
    def url(self) -> str:
        """`PROGRESS_URL` of this server."""
        return f"redis://:{self._secret('redis')}@{HOST}:{self.port}/0"

    async def _bring_up(self) -> None:
        server = program("redis-server", "redis-server")
        secret = self._secret("redis")
        path = self.folder / "redis.conf"
        write_private(
            path,
            f'bind {HOST}\nport {self.port}\ndir {self.folder}\nrequirepass {secret}\nappendonly yes\nsave ""\n',
        )
        ping = f"AUTH {secret}\r\nPING\r\n".encode()
        await self._run(self.name, [server, str(path)], {}, lambda: answers(self.port, ping, b"+PONG"))
