"""A private MariaDB; any database that speaks the MySQL protocol would do."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pymysql

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.server import BackendServer, program, write_private

ADMIN = "igemoji_admin"
BUFFER_POOL = "128M"


class MariaDb(BackendServer):
    """MariaDB with one database and one user for each service."""

    name = "mariadb"

    def url(self, database: str) -> str:
        """Return the `DATABASE_URL` of the service that owns a database; its user may access no other one."""
        return f"mysql+pymysql://{database}:{self._secret(database)}@{HOST}:{self.port}/{database}?charset=utf8mb4"

    def admin_url(self, database: str) -> str:
        """Return a URL with the rights to create databases."""
        return f"mysql+pymysql://{ADMIN}:{self._secret('admin')}@{HOST}:{self.port}/{database}"

    async def create(self, database: str) -> str:
        """Create a database and its user if they are missing; return the URL."""
        if not re.fullmatch("[a-z0-9_]{1,60}", database):
            raise ValueError(f"not a database name: {database!r}")
        user = f"'{database}'@'%'"
        await self.execute(
            f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{self._secret(database)}'",
            f"GRANT ALL ON {database}.* TO {user}",
        )
        return self.url(database)

    async def execute(self, *statements: str) -> None:
        """Execute statements as the administrator."""

        def work() -> None:
            with self._connection() as connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

        await asyncio.to_thread(work)

    async def _bring_up(self) -> None:
        server = program("mariadbd", "mariadb-server")
        data = self.folder / "data"
        if not data.exists():
            await self._install(data)
        init = self.folder / "init.sql"
        user = f"'{ADMIN}'@'%'"
        write_private(
            init,
            f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{self._secret('admin')}';\n"
            f"GRANT ALL ON *.* TO {user} WITH GRANT OPTION;\n"
            "DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1', 'root'@'localhost', ''@'localhost';\n",
        )
        options = {
            "datadir": data,
            "tmpdir": self._temporary(),
            "socket": self.folder / "socket",
            "pid-file": self.folder / "pid",
            "port": self.port,
            "bind-address": HOST,
            "innodb-buffer-pool-size": BUFFER_POOL,
            "character-set-server": "utf8mb4",
            "default-time-zone": "+00:00",
            "init-file": init,
        }
        arguments = [server, "--no-defaults", *_as_root(), "--skip-name-resolve", "--skip-log-bin"]
        arguments += [f"--{name}={value}" for name, value in options.items()]
        await self._run(self.name, arguments, {}, self._answers)

    async def _install(self, data: Path) -> None:
        new = data.with_name("data.new")  # an interrupted installation must not be used as a database
        await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
        await self._tool(
            program("mariadb-install-db", "mariadb-server"),
            "--no-defaults",
            *_as_root(),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            f"--datadir={new}",
            f"--tmpdir={self._temporary()}",
        )
        new.replace(data)

    def _temporary(self) -> Path:
        """Return a private folder for temporary files.

        A starting server deletes files that it takes for leftovers: in a shared folder, the tables of another server.
        """
        folder = self.folder / "tmp"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _connection(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        secret = self._secret("admin")
        return pymysql.connect(
            host=HOST, port=self.port, user=ADMIN, password=secret, autocommit=True, connect_timeout=5, read_timeout=30
        )

    def _answers(self) -> bool:
        try:
            self._connection().close()
        except pymysql.err.OperationalError:
            return False
        return True


def _as_root() -> list[str]:
    """Return the option without which MariaDB refuses to run as root."""
    return ["--user=root"] if os.getuid() == 0 else []
