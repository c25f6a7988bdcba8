"""Built-in templates."""

import asyncio
import json
import shutil
from pathlib import Path

import grpc
import pytest

from igemoji_emoji_catalog.domain.model import EXPRESSIONS, SYSTEM
from igemoji_emoji_catalog.entrypoints.wiring import compose
from igemoji_mesh.errors import StartError
from igemoji_mesh.testing.mesh import error_reason

from .conftest import User, face, faces, refusal, until


def write(folder: Path, slug: str, name: str, shade: int) -> Path:
    (folder / slug).mkdir(parents=True)
    (folder / slug / "template.json").write_text(json.dumps({"name": name, "tags": ["x"], "license": "MIT"}))
    for expression, data in faces(shade).items():
        (folder / slug / f"{expression}.png").write_bytes(data)
    return folder / slug


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for shade, slug in enumerate(("cats", "zoo")):
        write(tmp_path / "templates", slug, slug.title(), 10 * shade)
    (tmp_path / "templates" / "manifest.json").write_text("{}")
    return tmp_path / "templates"


@pytest.fixture
def settings(settings, folder):
    return settings.model_copy(update={"builtin_dir": folder})


async def test_builtin_templates_are_listed_after_those_of_users(catalog, anna):
    page = await catalog.page()
    assert [emoji.name for emoji in page.emojis] == ["Cats", "Zoo"]
    assert all(
        emoji.built_in and (emoji.owner.id, emoji.owner.alias) == (SYSTEM.id, "igemoji") for emoji in page.emojis
    )
    assert await catalog.image(page.emojis[0], "happy")
    made = await catalog.create(anna)
    assert (await catalog.page()).emojis[0] == made
    assert (await catalog.page(owner_id=SYSTEM.id)).total == 2


async def test_builtin_templates_cannot_be_deleted(catalog, anna):
    (first, *_) = (await catalog.page()).emojis
    for somebody in (anna, User("igemoji", SYSTEM.id)):
        error = await refusal(catalog.delete(first.id, somebody))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_EMOJI")


async def test_restart_changes_no_builtin_template(start, settings, client_of):
    async with start(settings) as server:
        before = await client_of(server).page()
    async with start(settings) as server:
        assert await client_of(server).page() == before


async def test_changed_picture_updates_only_its_builtin_template(start, settings, client_of, folder):
    async with start(settings) as server:
        before = {emoji.name: emoji for emoji in (await client_of(server).page()).emojis}
    (folder / "cats" / "happy.png").write_bytes(face("white"))
    async with start(settings) as server:
        catalog = client_of(server)
        after = {emoji.name: emoji for emoji in (await catalog.page()).emojis}
        changed = [name for name in after if after[name] != before[name]]
        assert changed == ["Cats"]
        assert after["Cats"].id == before["Cats"].id
        assert after["Cats"].etag != before["Cats"].etag
        assert after["Cats"].images.sad == before["Cats"].images.sad
        assert await catalog.image(after["Cats"], "happy")
        gone = before["Cats"].images.happy.partition("?v=")[2]
        await until(lambda: f"{gone}.png" not in catalog.stored())
        assert len(catalog.stored()) == 14


async def test_replicas_can_start_at_the_same_time(mesh, settings, start, client_of):
    second = settings.model_copy(update={"health_listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0"})
    servers = await asyncio.gather(*(compose(which, mesh.verifier) for which in (settings, second)))
    for server in servers:
        await server.start()
        page = await client_of(server).page()
        assert [emoji.name for emoji in page.emojis] == ["Cats", "Zoo"]
        for expression in EXPRESSIONS:
            assert await client_of(server).image(page.emojis[1], expression)
    for server in servers:
        await server.stop()


async def test_no_builtin_templates_without_a_folder(settings, start, client_of):
    async with start(settings.model_copy(update={"builtin_dir": None})) as server:
        assert (await client_of(server).page()).total == 0


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (shutil.rmtree, "is not a folder"),
        (lambda folder: (folder / "zoo" / "sad.png").unlink(), r"zoo/sad\.png"),
        (
            lambda folder: (folder / "zoo" / "sad.png").write_bytes(b"x"),
            r"sad\.png of the built-in template zoo is not",
        ),
        (lambda folder: (folder / "zoo" / "template.json").unlink(), r"zoo/template\.json"),
        (lambda folder: (folder / "zoo" / "template.json").write_text("{}"), r"zoo/template\.json"),
        (lambda folder: (folder / "zoo" / "template.json").write_text('{"name": " "}'), r"template\.json is empty"),
    ],
)
async def test_invalid_builtin_template_stops_the_start_with_a_message(settings, folder, harm, sentence):
    harm(folder)
    with pytest.raises(StartError, match=sentence) as caught:
        await compose(settings)
    assert "\n" not in str(caught.value)
