"""The Python client, and the command that uses it, on the whole mesh."""

import asyncio
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from igemoji_client import AsyncClient, Client, Conflict, InvalidRequest, NotAuthenticated, NotFound, Options, Session

from .conftest import ASSETS, EXPRESSIONS, IGEMOJI, ROOT

README = ROOT / "libs" / "client" / "README.md"
MANY = 8


@pytest.fixture
def client(mesh):
    with Client(mesh.url) as client:
        yield client


@pytest.fixture
def registered(client, me):
    client.accounts.log_in(me.email, me.password)
    return client


def pictures(folder: str = "zoo") -> dict[str, Path]:
    return {expression: ASSETS / "templates" / folder / f"{expression}.png" for expression in EXPRESSIONS}


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def igemoji(mesh: Any, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [IGEMOJI, "--server", mesh.url, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, env=os.environ | environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("number", [0, 1], ids=["threads", "asyncio"])
def test_examples_of_the_readme_run(mesh, tmp_path, people, number):
    example = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)[number]
    (tmp_path / "photo.jpg").write_bytes(people)
    shutil.copy(pictures()["happy"], tmp_path / "happy.png")
    script = example.replace("http://127.0.0.1:8080", mesh.url)
    done = subprocess.run(
        [sys.executable, "-"], input=script, cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    if number:
        assert done.stdout == "EDIT_CONFLICT\n"
        return
    assert "100 % sent" in done.stdout
    assert "100 DONE 3 faces" in done.stdout
    assert "Anyone with this link sees it: /api/v1/shared/" in done.stdout
    assert size_of(tmp_path / "hidden.jpg") == (1920, 1280)


def test_account_from_registration_to_deletion(mesh, client, nobody, people, tmp_path):
    assert client.accounts.is_available("alias", nobody.alias)
    guest = client.accounts.start_guest()
    mine = client.templates.create("Mine", pictures(), tags=["Own"], visibility="unlisted")
    user = client.accounts.register(nobody.email, nobody.password, nobody.alias)
    assert (user.id, user.alias) == (guest.user.id, nobody.alias)
    assert not client.accounts.is_available("alias", nobody.alias)
    with Client(mesh.url) as other, pytest.raises(Conflict) as taken:
        other.accounts.register(nobody.email, nobody.password, "other" + nobody.alias[:9])
    assert [violation.field for violation in taken.value.violations] == ["email"]

    client.accounts.log_in(nobody.email, nobody.password)
    assert client.accounts.rename(nobody.alias + "x").alias == nobody.alias + "x"
    task_id = client.tasks.create(people, mine.id)
    assert len(client.tasks.wait(task_id).faces) == 3
    assert [result.task_id for result in client.accounts.results()] == [task_id]
    assert [template.id for template in client.accounts.uploads()] == [mine.id]
    client.accounts.export(tmp_path / "mine.zip")
    assert "account.json" in zipfile.ZipFile(tmp_path / "mine.zip").namelist()

    client.accounts.change_password(nobody.password, "another passphrase")
    deletion = client.accounts.delete()
    assert client.accounts.wait_deleted(deletion.id).remaining == ()
    with pytest.raises(NotAuthenticated):
        client.accounts.log_in(nobody.email, "another passphrase")


def test_client_renews_an_invalid_access_token(mesh, registered):
    session = registered.session
    assert session is not None
    kept: list[Session | None] = []
    stale = session.model_copy(update={"access_token": session.access_token[:-4] + "AAAA"})
    with Client(mesh.url, session=stale, on_session=kept.append) as again:
        assert again.accounts.me().id == session.user.id
        assert len(kept) == 1
        again.accounts.log_out()
        with pytest.raises(NotAuthenticated):
            again.accounts.me()


def test_revise_share_and_delete_a_task(registered, people):
    template = next(registered.templates.list(sort="popular"))
    steps = list(registered.tasks.watch(task_id := registered.tasks.create(people, template.id)))
    assert (steps[0].state.name, steps[-1].state.name) == ("QUEUED", "DONE")
    registered.tasks.revise_face(task_id, 0, covered=False)
    assert not registered.tasks.wait(task_id).faces[0].covered
    share = registered.tasks.share(task_id, days=1)
    assert registered.tasks.shared(share.token).width == 1920
    assert Image.open(io.BytesIO(registered.tasks.shared_image(share.token))).size == (1920, 1280)
    registered.tasks.unshare(task_id)
    with pytest.raises(NotFound):
        registered.tasks.shared(share.token)
    assert registered.tasks.cancel(task_id).state.name == "DONE"
    registered.tasks.delete(task_id)
    with pytest.raises(NotFound):
        registered.tasks.wait(task_id)


def test_concurrent_calls_with_one_key_have_one_effect(registered, people):
    template = next(registered.templates.list())

    def create(_: int) -> str:
        return str(registered.tasks.create(people, template.id, idempotency_key="the-key-of-one-upload"))

    with ThreadPoolExecutor(MANY) as threads:
        assert len(set(threads.map(create, range(MANY)))) == 1
    registered.tasks.wait(create(0))
    assert len(list(registered.accounts.results())) == 1


def test_invalid_photo_is_refused_with_its_reason(registered):
    template = next(registered.templates.list())
    with pytest.raises(InvalidRequest) as refusal:
        registered.with_options(Options(tries=1)).tasks.create(b"no photo", template.id)
    assert refusal.value.reason == "PHOTO_NOT_RECOGNIZED"
    assert refusal.value.request_id


def test_photo_command_with_a_server_as_a_guest(mesh, people, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pics"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(people)
    (folder / "b.jpg").write_bytes(b"no photo")
    done = igemoji(mesh, "photo", "pics", "-o", "out", "--emoji", "classic", "--json", "-", code=1)
    covered, refused = (json.loads(line) for line in done.stdout.splitlines())
    assert len(covered["faces"]) == 3
    assert refused["error"]["reason"] == "PHOTO_NOT_RECOGNIZED"
    assert size_of(tmp_path / "out" / "a.jpg") == (1920, 1280)
    (folder / "b.jpg").unlink()
    again = igemoji(mesh, "photo", "pics", "-o", "out", "--emoji", "classic")
    assert "done by an earlier run" in again.stderr

    own = tmp_path / "own"
    subprocess.run([IGEMOJI, "init", str(own)], check=True, capture_output=True)
    igemoji(mesh, "photo", "pics/a.jpg", "-o", "own.jpg", "--emoji", str(own))
    assert size_of(tmp_path / "own.jpg") == (1920, 1280)
    assert "no template 'nobody has it'" in igemoji(mesh, "photo", "pics", "--emoji", "nobody has it", code=2).stderr
    assert "Classic Faces" in igemoji(mesh, "emojis", "classic").stdout


def test_photo_command_with_an_account(mesh, registered, me, people, tmp_path):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(people)
    given = {"IGEMOJI_EMAIL": me.email, "IGEMOJI_PASSWORD": me.password}
    igemoji(mesh, "photo", str(photo), "-o", str(tmp_path / "b.jpg"), **given)
    assert len(list(registered.accounts.results())) == 1
    wrong = igemoji(mesh, "photo", str(photo), code=2, **(given | {"IGEMOJI_PASSWORD": "wrong one"}))
    assert wrong.stderr.strip() == f"{mesh.url} refused the password of {me.email}."
    assert "IGEMOJI_PASSWORD" in igemoji(mesh, "photo", str(photo), code=2, IGEMOJI_EMAIL=me.email).stderr


def test_operators_decide_on_the_data_folder_or_the_server(mesh, registered, me, somebody_else):
    def admin(*arguments: str, code: int = 0) -> str:
        command = [IGEMOJI, "admin", *arguments, "--data", str(mesh.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    template = registered.templates.create("Rude", pictures())
    with Client(mesh.url) as other:
        other.accounts.log_in(somebody_else.email, somebody_else.password)
        other.templates.report(template.id, "offensive", "Look at it.")
        given = {"IGEMOJI_EMAIL": somebody_else.email, "IGEMOJI_PASSWORD": somebody_else.password}
        assert "for operators" in igemoji(mesh, "admin", "reports", code=1, **given).stderr
        assert "has the role operator" in admin("make-operator", somebody_else.email)
        assert "no account" in admin("make-operator", "nobody@example.org", code=1)

        listed = igemoji(mesh, "admin", "reports", **given).stdout
        assert f"{template.id}" in listed
        assert listed == "".join(line for line in admin("reports").splitlines(keepends=True) if line.startswith("0"))
        igemoji(mesh, "admin", "hide", template.id, **given)
        with pytest.raises(NotFound):
            other.templates.get(template.id)
        assert registered.templates.get(template.id).hidden
        assert "is shown again" in admin("restore", template.id)
        assert not other.templates.get(template.id).hidden
        assert template.id in admin("reports", "--decided")
        assert "is deleted" in admin("delete", template.id)
        assert "no such template" in admin("hide", template.id, code=1)
        with pytest.raises(NotFound):
            registered.templates.get(template.id)
    assert "data folder" in igemoji(mesh, "admin", "make-operator", me.email, code=1).stderr


async def test_async_client_runs_concurrent_tasks(mesh, people):
    async with AsyncClient(mesh.url) as client:
        await client.accounts.start_guest()
        page = await client.templates.page(sort="popular")
        ids = await asyncio.gather(*(client.tasks.create(people, template.id) for template in page.emojis[:3]))
        tasks = await asyncio.gather(*(client.tasks.wait(task_id) for task_id in ids))
        assert [len(task.faces) for task in tasks] == [3, 3, 3]
        await client.accounts.delete()
