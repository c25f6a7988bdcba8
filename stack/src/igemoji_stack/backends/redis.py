"""A private Redis, for progress."""

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.server import Part, answers, program, write_private


class Redis(Part):
    name = "redis"

    @property
    def url(self) -> str:
        return f"redis://:{self._secret('redis')}@{HOST}:{self.port}/0"

    async def _bring_up(self) -> None:
        server = program("redis-server", "redis-server")
        secret = self._secret("redis")
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.folder),
            "requirepass": secret,
            "appendonly": "yes",
            "save": '""',
        }
        path = self.folder / "redis.conf"
        write_private(path, "".join(f"{name} {value}\n" for name, value in settings.items()))
        ping = f"AUTH {secret}\r\nPING\r\n".encode()
        await self._run(self.name, [server, str(path)], {}, lambda: answers(self.port, ping, b"+PONG"))
