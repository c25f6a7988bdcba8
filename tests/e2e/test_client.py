"""The Python client and the command that uses it, on the whole mesh."""

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
from support.users import ROOT, template_pictures

from igemoji_client import AsyncClient, Client, Conflict, InvalidRequest, NotAuthenticated, NotFound, Options, Session

from .conftest import IGEMOJI

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
def test_examples_of_the_readme_run(mesh, tmp_path, group_photo, number):
    example = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)[number]
    (tmp_path / "photo.jpg").write_bytes(group_photo)
    shutil.copy(template_pictures()["happy"], tmp_path / "happy.png")
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


def test_account_from_registration_to_deletion(mesh, client, newcomer, group_photo, tmp_path):
    assert client.accounts.is_available("alias", newcomer.alias)
    guest = client.accounts.start_guest()
    mine = client.templates.create("Mine", template_pictures(), tags=["Own"], visibility="unlisted")
    user = client.accounts.register(newcomer.email, newcomer.password, newcomer.alias)
    assert (user.id, user.alias) == (guest.user.id, newcomer.alias)
    assert not client.accounts.is_available("alias", newcomer.alias)
    with Client(mesh.url) as other, pytest.raises(Conflict) as taken:
        other.accounts.register(newcomer.email, newcomer.password, "other" + newcomer.alias[:9])
    assert [violation.field for violation in taken.value.violations] == ["email"]

    client.accounts.log_in(newcomer.email, newcomer.password)
    assert client.accounts.rename(newcomer.alias + "x").alias == newcomer.alias + "x"
    task_id = client.tasks.create(group_photo, mine.id)
    assert len(client.tasks.wait(task_id).faces) == 3
    assert [result.task_id for result in client.accounts.results()] == [task_id]
    assert [template.id for template in client.accounts.uploads()] == [mine.id]
    client.accounts.export(tmp_path / "mine.zip")
    assert "account.json" in zipfile.ZipFile(tmp_path / "mine.zip").namelist()

    client.accounts.change_password(newcomer.password, "another passphrase")
    deletion = client.accounts.delete()
    assert client.accounts.wait_deleted(deletion.id).remaining == ()
    with pytest.raises(NotAuthenticated):
        client.accounts.log_in(newcomer.email, "another passphrase")


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


def test_revise_share_and_delete_a_task(registered, group_photo):
    template = next(registered.templates.list(sort="popular"))
    steps = list(registered.tasks.watch(task_id := registered.tasks.create(group_photo, template.id)))
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


def test_concurrent_calls_with_one_key_have_one_effect(registered, group_photo):
    template = next(registered.templates.list())

    def create(_: int) -> str:
        return str(registered.tasks.create(group_photo, template.id, idempotency_key="the-key-of-one-upload"))

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


def test_photo_command_with_a_server_as_a_guest(mesh, group_photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pics"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(group_photo)
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
    assert (
        "no template 'no such template'" in igemoji(mesh, "photo", "pics", "--emoji", "no such template", code=2).stderr
    )
    assert "Classic Faces" in igemoji(mesh, "emojis", "classic").stdout


def test_photo_command_with_an_account(mesh, registered, me, group_photo, tmp_path):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(group_photo)
    given = {"IGEMOJI_EMAIL": me.email, "IGEMOJI_PASSWORD": me.password}
    igemoji(mesh, "photo", str(photo), "-o", str(tmp_path / "b.jpg"), **given)
    assert len(list(registered.accounts.results())) == 1
    wrong = igemoji(mesh, "photo", str(photo), code=2, **(given | {"IGEMOJI_PASSWORD": "wrong one"}))
    assert wrong.stderr.strip() == f"{mesh.url} refused the password of {me.email}."
    assert "IGEMOJI_PASSWORD" in igemoji(mesh, "photo", str(photo), code=2, IGEMOJI_EMAIL=me.email).stderr


def test_operators_decide_on_the_data_folder_or_the_server(mesh, registered, me, other_user):
    def admin(*arguments: str, code: int = 0) -> str:
        command = [IGEMOJI, "admin", *arguments, "--data", str(mesh.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    template = registered.templates.create("Rude", template_pictures())
    with Client(mesh.url) as other:
        other.accounts.log_in(other_user.email, other_user.password)
        other.templates.report(template.id, "offensive", "Look at it.")
        given = {"IGEMOJI_EMAIL": other_user.email, "IGEMOJI_PASSWORD": other_user.password}
        assert "Only operators" in igemoji(mesh, "admin", "reports", code=1, **given).stderr
        assert "has the role operator" in admin("make-operator", other_user.email)
        assert "no account" in admin("make-operator", "unknown@example.org", code=1)

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


async def test_async_client_runs_concurrent_tasks(mesh, group_photo):
    async with AsyncClient(mesh.url) as client:
        await client.accounts.start_guest()
        page = await client.templates.page(sort="popular")
        ids = await asyncio.gather(*(client.tasks.create(group_photo, template.id) for template in page.emojis[:3]))
        tasks = await asyncio.gather(*(client.tasks.wait(task_id) for task_id in ids))
        assert [len(task.faces) for task in tasks] == [3, 3, 3]
        await client.accounts.delete()
