"""Transient errors of SQLite."""

import pytest
import sqlalchemy as sa

from igemoji_mesh.db.database import Database
from igemoji_mesh.storage_errors import DatabaseBusy, StorageFull

NUMBERS = sa.Table("numbers", sa.MetaData(), sa.Column("text", sa.Text))


@pytest.fixture
async def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.write(NUMBERS.metadata.create_all)
    yield database
    await database.close()


async def test_full_database_is_an_error_and_works_again_later(database):
    def fill(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        connection.execute(NUMBERS.insert().values(text="1" * 100_000))

    def empty(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        connection.execute(NUMBERS.insert().values(text="2"))

    with pytest.raises(StorageFull):
        await database.write(fill)
    await database.write(empty)
    assert await database.read(lambda connection: connection.execute(sa.select(NUMBERS)).scalars().all()) == ["2"]


async def test_locked_database_is_a_transient_error(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/x.db")
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=0"))
    with database.engine.execution_options(igemoji_write=True).begin(), pytest.raises(DatabaseBusy):
        await database.write(NUMBERS.metadata.create_all)
    await database.close()
