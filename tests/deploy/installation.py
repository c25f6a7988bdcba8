"""A mesh with its own real backends in one folder, to back up and restore with deploy/backup."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.users import ASSETS

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.backend import BUCKET, Backend, Urls
from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.nanio import Nanio
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.backends.server import BackendServer
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

from .conftest import DEPLOY, tool

BACKUP = DEPLOY / "backup"
IGEMOJI = Path(sys.executable).parent / "igemoji"
DATABASES = tuple(f"igemoji_{service}" for service in ("auth", "emoji_catalog", "ranking", "inference"))


class Vault:
    """Another S3, for backups that rclone encrypts."""

    def __init__(self, folder: Path) -> None:
        self.s3 = Nanio(folder)
        self._password = subprocess.run(
            [tool("rclone"), "obscure", "a password of the vault"], check=True, capture_output=True, text=True
        ).stdout.strip()

    def remotes(self) -> dict[str, str]:
        """Return the configuration of rclone as environment variables."""
        crypt = {"TYPE": "crypt", "REMOTE": "vault:encrypted", "PASSWORD": self._password}
        variables = {f"RCLONE_CONFIG_BACKUP_{key}": value for key, value in crypt.items()}
        return remote("VAULT", self.s3) | variables


class Installation:
    """Empty real backends and a mesh on them. Call `start_backends`, then `mesh.start`; `lose` deletes everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.mariadb, self.objects = MariaDb(folder / "mariadb"), Nanio(folder / "objects")
        self.rabbitmq, self.redis = RabbitMq(folder / "rabbitmq"), Redis(folder / "redis")
        self.backends: tuple[BackendServer, ...] = (self.mariadb, self.objects, self.rabbitmq, self.redis)
        self.mesh: Mesh

    async def start_backends(self) -> None:
        """Start the backends with empty databases, as an operator makes them. Raises BackendMissing."""
        await asyncio.gather(*(backend.start() for backend in self.backends))
        for database in DATABASES:
            await self.mariadb.create(database)
        urls = Urls(self.mariadb.admin_url("igemoji"), self.rabbitmq.url, self.redis.url, self.objects.url(BUCKET))
        os.environ.update(self.objects.keys)  # as an operator gives them to `igemoji up`
        options = {"port": 0, "workers": 1, "rate_factor": 100, "backend": Backend.REAL, "urls": urls}
        self.mesh = Mesh(MeshOptions(self._folder / "mesh", ASSETS, **options))  # type: ignore[arg-type]

    async def lose(self) -> None:
        """Kill the backends and delete everything: databases, objects, queues, certificates."""
        await asyncio.gather(*(backend.kill() for backend in self.backends))
        await self.stop()
        shutil.rmtree(self._folder)

    async def stop(self) -> None:
        await self.mesh.stop()
        await asyncio.gather(*(backend.stop() for backend in self.backends))

    async def back_up(self, vault: Vault) -> str:
        """Make a backup and return its time."""
        user, password = "backup", "may read"
        await self.mariadb.execute(
            f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}'",
            *(f"GRANT SELECT, SHOW VIEW, TRIGGER ON {database}.* TO '{user}'@'%'" for database in DATABASES),
        )
        done = await self._run("back-up.sh", user, password, vault)
        done.check_returncode()
        return done.stdout.strip()

    async def restore(self, vault: Vault, taken: str = "") -> subprocess.CompletedProcess[str]:
        user, password = "restore", "may make tables"
        await self.mariadb.execute(
            f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}'",
            *(f"GRANT ALL ON {database}.* TO '{user}'@'%'" for database in DATABASES),
        )
        return await self._run("restore.sh", user, password, vault, *([taken] if taken else []))

    async def check_objects(self) -> subprocess.CompletedProcess[str]:
        """Audit the objects while the mesh runs."""
        command = [str(IGEMOJI), "admin", "check-objects", "--data", str(self._folder / "mesh")]
        return await asyncio.to_thread(lambda: subprocess.run(command, capture_output=True, text=True, check=False))

    async def _run(
        self, script: str, user: str, password: str, vault: Vault, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        options = self._folder / f"{user}.cnf"
        options.touch(mode=0o600)
        options.write_text(
            f"[client]\nhost={HOST}\nport={self.mariadb.port}\nprotocol=tcp\nuser={user}\npassword={password}\n"
        )
        path = f"{Path(tool('rclone')).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(self._folder), **remote("S3", self.objects), **vault.remotes()}
        command = [str(BACKUP / script), str(options), f"s3:{BUCKET}", f"backup:{BUCKET}", *arguments]
        return await asyncio.to_thread(
            lambda: subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        )


def remote(name: str, store: Nanio) -> dict[str, str]:
    """Return the configuration of an rclone remote as environment variables."""
    access, secret = store.keys.values()
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": store.endpoint,
        "ACCESS_KEY_ID": access,
        "SECRET_ACCESS_KEY": secret,
    }
    return {f"RCLONE_CONFIG_{name}_{key}": value for key, value in settings.items()}
