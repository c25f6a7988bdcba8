"""The private backend servers: they keep data over a kill and leave nothing behind."""

from pathlib import Path

import pymysql
import pytest
import sqlalchemy as sa

from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.backends.server import BackendMissing, BackendServer, program

pytestmark = pytest.mark.real


@pytest.mark.parametrize("kind", [MariaDb, RabbitMq, Redis], ids=lambda kind: kind.name)
async def test_killed_backend_restarts_at_its_address_and_stops_cleanly(kind, tmp_path):
    server: BackendServer = kind(tmp_path)
    async with server.running():
        before = server.pids
        await server.kill()
        assert server.pids == {}
        await server.start()
        assert server.pids.keys() == before.keys()
        pids = server.pids.values()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]  # noqa: ASYNC240 - in memory, not on disk


async def test_committed_rows_survive_a_kill(tmp_path):
    mariadb = MariaDb(tmp_path)
    async with mariadb.running():
        engine = sa.create_engine(await mariadb.create("igemoji_auth"))
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE t (name VARCHAR(20))")
            connection.execute(sa.text("INSERT INTO t VALUES ('이게 모지 😀')"))
        await mariadb.kill()
        await mariadb.start()
        engine.dispose()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT name FROM t").scalar() == "이게 모지 😀"
        engine.dispose()


async def test_database_user_can_not_read_another_database(tmp_path):
    mariadb = MariaDb(tmp_path)
    async with mariadb.running():
        engine = sa.create_engine(await mariadb.create("igemoji_auth"))
        await mariadb.create("igemoji_ranking")
        with engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="denied"):
            connection.exec_driver_sql("USE igemoji_ranking")
        engine.dispose()
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            pymysql.connect(host="127.0.0.1", port=mariadb.port, user="root")


def test_missing_program_names_its_package():
    with pytest.raises(BackendMissing, match="install Debian's mariadb-server; `make install-backends`"):
        program("no-such-program", "mariadb-server")
