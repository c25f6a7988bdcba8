"""Templates without a server: built-in ones and folders of the user."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from igemoji_stack.cli import app
from igemoji_stack.photo.errors import CannotWork
from igemoji_stack.photo.templates import ASSETS, built_ins, create, find
from igemoji_vision.faces import EXPRESSIONS


@pytest.fixture(autouse=True)
def assets(tmp_path, monkeypatch):
    if not (ASSETS / "templates" / "manifest.json").is_file():
        pytest.fail("the built-in templates are missing: run `make assets`")
    monkeypatch.chdir(tmp_path)


def refused(wanted: str) -> str:
    with pytest.raises(CannotWork) as error:
        find(wanted, ASSETS)
    return str(error.value)


def test_built_in_template_is_found_by_slug_or_name_ignoring_case():
    for template in built_ins(ASSETS):
        found = find(template.slug.upper(), ASSETS)
        assert found.name == template.name
        assert set(found.pictures) == set(EXPRESSIONS)
        assert find(template.name.swapcase(), ASSETS).digest == found.digest
    assert len({find(template.slug, ASSETS).digest for template in built_ins(ASSETS)}) == len(built_ins(ASSETS))


def test_unknown_template_suggests_similar_names():
    assert "did you mean classic?" in refused("clasic")
    assert "did you mean drama?" in refused("full drema")
    assert "igemoji emojis" in refused("qqq")


def test_emojis_lists_slug_name_and_folder():
    done = CliRunner().invoke(app, ["emojis"])
    assert done.exit_code == 0
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    assert [line[0].strip() for line in lines] == [template.slug for template in built_ins(ASSETS)]
    for line in lines:
        assert all((Path(line[-1].strip()) / f"{expression}.png").is_file() for expression in EXPRESSIONS)


def test_init_copies_a_template_to_edit():
    assert CliRunner().invoke(app, ["init", "new/my cats", "--from", "CATS"]).exit_code == 0
    folder = Path("new/my cats")
    about = json.loads((folder / "template.json").read_text())
    assert about["name"] == "my cats"
    assert about["license"]
    before = find(str(folder), ASSETS)
    assert before.name == "my cats"
    (folder / "happy.png").unlink()
    Image.new("RGB", (300, 200), "red").save(folder / "happy.webp")
    after = find(str(folder), ASSETS)
    assert after.digest != before.digest
    changed = [expression for expression in EXPRESSIONS if after.pictures[expression] != before.pictures[expression]]
    assert changed == ["happy"]


def test_init_refuses_a_folder_with_files():
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    done = CliRunner().invoke(app, ["init", "full"])
    assert (done.exit_code, done.stderr) == (2, "full is not empty: give the name of a new folder.\n")
    assert [path.name for path in Path("full").iterdir()] == ["mine.txt"]
    assert CliRunner().invoke(app, ["init", "full/mine.txt"]).exit_code == 2
    assert CliRunner().invoke(app, ["init", "other", "--from", "nothing"]).exit_code == 2
    assert not Path("other").exists()


def test_invalid_picture_is_named_by_its_expression():
    create(Path("mine"), "classic", ASSETS)
    for expression, content, fault in (
        ("sad", None, "missing"),
        ("fear", b"", "missing"),
        ("angry", b"text", "not a PNG"),
        ("neutral", (ASSETS / "templates/classic/neutral.png").read_bytes()[:5000], "damaged"),
        ("disgust", b"\x89PNG\r\n\x1a\n" + bytes(2**20), "larger than 1 MiB"),
    ):
        shutil.copytree("mine", expression)
        path = Path(expression) / f"{expression}.png"
        path.unlink() if content is None else path.write_bytes(content)
        sentence = refused(expression)
        assert f"The picture for {expression}" in sentence
        assert fault in sentence
    Image.new("RGB", (10, 10)).save("mine/happy.jpg")
    assert "2 pictures for happy" in refused("mine")


def test_invalid_template_name_is_reported():
    create(Path("mine"), "classic", ASSETS)
    for expression in EXPRESSIONS:
        Image.new("RGB", (8, 8)).save(f"mine/{expression}.png")
    for text in ('{"name": ""}', "{}", "[", '{"name": 3}'):
        Path("mine/template.json").write_text(text)
        assert "template.json" in refused("mine")
    Path("mine/template.json").unlink()
    assert find("mine", ASSETS).name == "mine"


def test_missing_assets_name_the_make_target(tmp_path):
    done = CliRunner().invoke(app, ["emojis", "--assets", str(tmp_path)])
    assert done.exit_code == 2
    assert "make assets" in done.stderr
