"""Start: settings, migrations, readiness."""

import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from igemoji_auth.adapters.db.tables import metadata
from igemoji_auth.entrypoints.settings import Settings
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import differences
from igemoji_mesh.errors import StartError
from igemoji_mesh.settings import load_settings
from igemoji_mesh.testing.mesh import running

from .client import Auth


def test_migrations_create_the_tables_of_the_code(database_url):
    assert differences(database_url, "igemoji_auth", metadata) == []


async def test_accounts_survive_restart(mesh, make_settings):
    async with running(compose, make_settings()) as server:
        registered = await Auth(mesh, server).register()
    async with running(compose, make_settings()) as server:
        assert (await Auth(mesh, server).login(registered.email)).user == registered


@pytest.mark.parametrize(("environment", "starts"), [("production", False), ("development", True)])
def test_weak_hashes_are_refused_in_production(mesh, monkeypatch, environment, starts):
    for name, file in (("TLS_CERT", "auth.crt"), ("TLS_KEY", "auth.key"), ("TLS_CA", "ca.crt")):
        monkeypatch.setenv(name, str(mesh.folder / file))
    monkeypatch.setenv("ENVIRONMENT", environment)
    monkeypatch.setenv("BCRYPT_COST", "12")
    assert load_settings(Settings).bcrypt_cost == 12
    monkeypatch.setenv("BCRYPT_COST", "11")
    if starts:
        assert load_settings(Settings).bcrypt_cost == 11
    else:
        with pytest.raises(StartError, match=r"BCRYPT_COST: .*at least 12 in production"):
            load_settings(Settings)


async def test_not_ready_without_database(make_settings, monkeypatch):
    async def gone(_: Database) -> None:
        raise ConnectionError

    settings = make_settings()
    for status in (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING):
        async with (
            running(compose, settings) as server,
            grpc.aio.insecure_channel(f"127.0.0.1:{server.health_port}") as channel,
        ):
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert answer.status == status
        monkeypatch.setattr(Database, "check", gone)


def test_database_file_is_readable_by_its_owner_only(mesh, make_settings, tmp_path: Path):
    settings = make_settings()
    environment = {
        name.upper(): str(getattr(settings, name))
        for name in ("tls_cert", "tls_key", "tls_ca", "data_dir", "health_listen", "metrics_listen", "drain_seconds")
    }
    command = [sys.executable, "-m", "igemoji_auth.entrypoints.main"]
    with subprocess.Popen(command, env=environment | {"LISTEN": "127.0.0.1:0"}, stdout=subprocess.PIPE) as program:
        try:
            assert program.stdout is not None
            assert b'"service.started"' in program.stdout.readline()
        finally:
            program.terminate()
        assert program.wait(20) == 0
    assert (tmp_path / "auth.db").stat().st_mode & 0o077 == 0
