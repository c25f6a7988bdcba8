"""Migrations of every service on MariaDB."""

import asyncio
import importlib
import secrets
import sys

import pytest
import sqlalchemy as sa

from igemoji_mesh.db.migrations import differences
from igemoji_stack.backends.mariadb import MariaDb

pytestmark = pytest.mark.real

TABLES = {
    "igemoji_auth": "igemoji_auth.adapters.db.tables",
    "igemoji_emoji_catalog": "igemoji_emoji_catalog.adapters.db.tables",
    "igemoji_ranking": "igemoji_ranking.adapters.db.tables",
    "igemoji_inference": "igemoji_inference.adapters.db.tables",
}
MIGRATE = "import sys; from igemoji_mesh.db.migrations import migrate; migrate(*sys.argv[1:])"


@pytest.fixture
def url(mariadb: MariaDb, backend_loop) -> str:
    return str(backend_loop.run(mariadb.create(f"test_{secrets.token_hex(6)}")))


@pytest.mark.parametrize("package", TABLES)
def test_migrations_create_the_tables_of_the_code(package, url):
    metadata = importlib.import_module(TABLES[package]).metadata
    assert differences(url, package, metadata) == []


async def test_concurrent_replicas_migrate_once(url):
    arguments = [sys.executable, "-c", MIGRATE, url, "igemoji_emoji_catalog"]
    replicas = [await asyncio.create_subprocess_exec(*arguments) for _ in range(4)]
    assert [await replica.wait() for replica in replicas] == [0, 0, 0, 0]


def test_text_columns_are_compared_byte_by_byte(url):
    metadata = importlib.import_module("igemoji_auth.adapters.db.tables").metadata
    differences(url, "igemoji_auth", metadata)
    engine = sa.create_engine(url)
    query = "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    with engine.connect() as connection:
        found = set(connection.exec_driver_sql(query).scalars()) - {None}
    engine.dispose()
    assert found == {"utf8mb4_nopad_bin"}
