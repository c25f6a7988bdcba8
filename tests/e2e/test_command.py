"""The command `igemoji up` in a terminal."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
IGEMOJI = str(Path(sys.executable).parent / "igemoji")


@contextmanager
def up(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `igemoji up` on a free port for a block, then interrupt it; yield the process and the address."""
    command = [IGEMOJI, "up", "--port", "0", "--workers", "1", "--data", str(data), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if found := re.search(r"ready: (https?://127\.0\.0\.1:\d+)", line):
                    yield process, found[1]
                    break
            else:
                pytest.fail("The mesh did not become ready:\n" + "".join(lines))
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def refused(*arguments: str) -> str:
    """Return the sentence with which a command fails."""
    done = subprocess.run([IGEMOJI, *arguments], capture_output=True, text=True, timeout=100)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def processes_of(data: Path) -> list[int]:
    """Return the processes with a data folder in their environment or arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            known = (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(data).encode() in known and state != "Z" and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def gone(data: Path) -> bool:
    until = time.monotonic() + 20
    while processes_of(data) and time.monotonic() < until:
        time.sleep(0.1)
    return not processes_of(data)


def service_pid(data: Path, module: str) -> int:
    (pid,) = [pid for pid in processes_of(data) if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return pid


def test_up_serves_and_stops_cleanly_on_interrupt(tmp_path):
    data = tmp_path / "data"
    with up(data) as (process, address):
        assert httpx.get(f"{address}/api/v1/emojis/pages/1").status_code == 200
        assert httpx.get(f"{address}/").headers["content-type"].startswith("text/html")
        status = subprocess.run([IGEMOJI, "status", "--data", str(data)], capture_output=True, text=True, timeout=60)
        assert (status.returncode, status.stdout.count("healthy")) == (0, 5), status.stdout
        assert "already" in refused("up", "--data", str(data), "--port", "0")
    assert process.returncode == 0
    assert gone(data)


def test_killed_service_restarts_with_its_data(tmp_path):
    data = tmp_path / "data"
    account = {"email": "a@example.org", "password": "a long enough one", "alias": "someone"}
    with up(data, "--json") as (process, address):
        assert httpx.post(f"{address}/api/v1/users", json=account).status_code == 201
        os.kill(service_pid(data, "igemoji_auth.entrypoints.main"), signal.SIGKILL)
        assert process.stdout is not None
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1].get("event") == "is ready again":
                break
        assert any("SIGKILL" in event["event"] for event in events)
        until = time.monotonic() + 20
        while (answer := httpx.post(f"{address}/api/v1/users/auth", json=account)).status_code != 200:
            assert answer.status_code == 503, answer.text
            assert time.monotonic() < until
            time.sleep(0.2)


def test_down_stops_the_mesh(tmp_path):
    data = tmp_path / "data"
    with up(data) as (process, _):
        down = subprocess.run([IGEMOJI, "down", "--data", str(data)], capture_output=True, text=True, timeout=60)
        assert (down.returncode, down.stdout) == (0, "Stopped.\n")
        process.wait(10)
    assert gone(data)
    assert "No mesh runs" in refused("status", "--data", str(data))


def test_killed_command_leaves_no_processes(tmp_path):
    data = tmp_path / "data"
    with up(data) as (process, _):
        process.kill()
        process.wait(10)
        assert gone(data)


def test_port_in_use_is_a_start_error(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused("up", "--port", str(port), "--data", str(tmp_path / "data"))
    assert sentence == f"Port {port} is in use: give another --port."


@pytest.mark.parametrize("url", ["collector:4317", "http://127.0.0.1", "https://127.0.0.1:4317", "http://127.0.0.1:x"])
def test_invalid_traces_url_is_one_sentence(tmp_path, url):
    sentence = refused("up", "--port", "0", "--data", str(tmp_path / "data"), "--traces", url)
    assert sentence == f"Traces can't be sent to {url}: it must look like http://127.0.0.1:4317."


def test_unwritable_data_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    sentence = refused("up", "--port", "0", "--data", str(tmp_path / "file" / "data"))
    assert "can't be written: Not a directory." in sentence


def test_missing_assets_are_one_sentence(tmp_path):
    sentence = refused("up", "--port", "0", "--data", str(tmp_path / "data"), "--assets", str(tmp_path))
    assert "make assets" in sentence


def test_truncated_model_is_one_sentence(tmp_path):
    assets = tmp_path / "assets"
    for path in (ROOT / "assets" / "build").rglob("*"):
        if path.is_file():
            copy = assets / path.relative_to(ROOT / "assets" / "build")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes()[: 1000 if path.name == "retinaface.onnx" else None])
    sentence = refused("up", "--port", "0", "--data", str(tmp_path / "data"), "--assets", str(assets))
    assert "retinaface.onnx is damaged" in sentence
    assert gone(tmp_path / "data")


def test_damaged_database_is_one_sentence_and_left_alone(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "ranking.db").write_bytes(b"this is no database " * 100)
    sentence = refused("up", "--port", "0", "--data", str(data))
    assert "ranking can't start" in sentence
    assert (data / "ranking.db").read_bytes().startswith(b"this is no database")
    assert gone(data)


def test_https_with_the_private_certificate_authority(tmp_path):
    data = tmp_path / "data"
    account = {"email": "a@example.org", "password": "a long enough one", "alias": "someone"}
    with up(data, "--tls") as (_, address):
        assert address.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(data / "certificates" / "ca.crt"))
        with httpx.Client(base_url=address, verify=trusting) as client:
            assert client.post("/api/v1/users", json=account).status_code == 201
            token = client.post("/api/v1/users/auth", json=account).json()["access_token"]
            me = client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
            assert me.json()["alias"] == "someone"
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)


def test_two_meshes_are_independent(tmp_path):
    account = {"email": "a@example.org", "password": "a long enough one", "alias": "someone"}
    with up(tmp_path / "one") as (_, one), up(tmp_path / "two") as (_, two):
        assert httpx.post(f"{one}/api/v1/users", json=account).status_code == 201
        assert httpx.post(f"{two}/api/v1/users", json=account).status_code == 201
        token = httpx.post(f"{one}/api/v1/users/auth", json=account).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{one}/api/v1/users/me", headers=headers).status_code == 200
        assert httpx.get(f"{two}/api/v1/users/me", headers=headers).status_code == 401


def test_reset_deletes_only_a_data_folder(tmp_path):
    data = tmp_path / "data"
    with up(data):
        pass
    (data / "witness").write_text("old")
    with up(data, "--reset"):
        assert not (data / "witness").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("not to be deleted")
    assert "does not look like" in refused("up", "--reset", "--data", str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "thesis.txt").exists()
