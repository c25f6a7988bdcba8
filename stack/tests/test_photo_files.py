"""Photos named by arguments, and the paths of their results."""

import os
from pathlib import Path

import pytest

from igemoji_stack.photo.errors import CannotWork
from igemoji_stack.photo.files import plan
from igemoji_stack.photo.journal import Journals, Stamp


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())


def planned(*arguments: str, out: str | None = None) -> dict[str, str]:
    return {str(job.photo): str(job.output) for job in plan(arguments, out, Journals())}


def refused(*arguments: str, out: str | None = None) -> str:
    with pytest.raises(CannotWork) as error:
        plan(arguments, out, Journals())
    return str(error.value)


def test_result_is_beside_its_photo_by_default():
    files("a.jpg", "b.PNG", "c.heic")
    assert planned("a.jpg", "b.PNG", "c.heic") == {
        "a.jpg": "a.igemoji.jpg",
        "b.PNG": "b.igemoji.PNG",
        "c.heic": "c.igemoji.jpg",
    }


def test_out_is_a_file_or_a_folder_for_one_photo():
    files("pics/a.jpg", "there/x.txt")
    assert planned("pics/a.jpg", out="new.jpeg") == {"pics/a.jpg": "new.jpeg"}
    assert planned("pics/a.jpg", out="folder") == {"pics/a.jpg": "folder/a.jpg"}
    assert planned("pics/a.jpg", out="folder.v2/") == {"pics/a.jpg": "folder.v2/a.jpg"}
    assert planned("pics/a.jpg", out="there") == {"pics/a.jpg": "there/a.jpg"}


def test_a_result_is_not_given_the_name_of_another_format():
    files("a.jpg", "b.heic")
    assert "JPG" in refused("a.jpg", out="a.png")
    assert planned("b.heic", out="b.jpeg") == {"b.heic": "b.jpeg"}


def test_tree_of_a_folder_is_mirrored():
    files("pics/b.jpg", "pics/a.webp", "pics/trip/day 1/c.JPEG", "pics/notes.txt", "pics/.trash/d.jpg", "pics/._e.jpg")
    assert planned("pics", out="out") == {
        "pics/a.webp": "out/a.webp",
        "pics/b.jpg": "out/b.jpg",
        "pics/trip/day 1/c.JPEG": "out/trip/day 1/c.JPEG",
    }


def test_tree_below_the_first_wildcard_is_mirrored():
    files("pics/x/a.jpg", "pics/y/a.jpg", "pics/y/b.txt", "other/a.jpg")
    wanted = {"pics/x/a.jpg": "out/x/a.jpg", "pics/y/a.jpg": "out/y/a.jpg"}
    assert planned("pics/*", out="out") == wanted
    assert planned("pics/*/*", out="out") == wanted
    assert planned("pics/**", out="out") == wanted
    assert planned("pics/**/*.jpg", out="out") == wanted


def test_existing_file_is_not_a_glob():
    files("a[1].jpg")
    assert planned("a[1].jpg") == {"a[1].jpg": "a[1].igemoji.jpg"}


def test_photo_named_twice_is_processed_once():
    files("pics/a.jpg")
    assert list(planned("pics/a.jpg", "pics", "./pics/*.jpg")) == ["pics/a.jpg"]


def test_photos_that_differ_in_extension_get_different_results():
    files("pics/a.jpg", "pics/a.heic", "pics/a.HEIF", "pics/a.png")
    assert planned("pics", out="out") == {
        "pics/a.HEIF": "out/a.HEIF.jpg",
        "pics/a.heic": "out/a.heic.jpg",
        "pics/a.jpg": "out/a.jpg",
        "pics/a.png": "out/a.png",
    }
    assert planned("pics")["pics/a.heic"] == "pics/a.heic.igemoji.jpg"


def test_two_photos_with_the_same_result_are_refused():
    files("x/a.jpg", "y/a.jpg")
    assert "out/a.jpg" in refused("x", "y", out="out")


def test_originals_are_never_overwritten():
    files("a.jpg", "pics/b.jpg")
    assert "overwrite" in refused("a.jpg", out="a.jpg")
    assert "overwrite" in refused("pics", out="pics")
    assert "overwrite" in refused("a.jpg", out=".")
    os.symlink("../pics", "pics/link")
    assert "overwrite" in refused("pics/b.jpg", out="pics/link")
    Path("same.jpg").hardlink_to("a.jpg")
    assert "overwrite" in refused("a.jpg", out="same.jpg")


def test_results_in_a_journal_are_not_photos():
    files("pics/a.jpg", "pics/a.igemoji.jpg", "pics/out/a.jpg", "pics/out/b.jpg")
    journals = Journals()
    journals.of(Path("pics/out")).add("a.jpg", "../a.jpg", Stamp(1, 1), "recipe", {})
    assert list(planned("pics")) == ["pics/a.jpg", "pics/out/b.jpg"]
    assert list(planned("pics/a.jpg", "pics/a.igemoji.jpg")) == ["pics/a.jpg"]
    assert "results" in refused("pics/out/a.jpg")


def test_missing_photos_are_named():
    files("empty/notes.txt", "a.jpg", "b.jpg", "file")
    assert refused("nowhere.jpg") == "There is no photo and no folder nowhere.jpg."
    assert "empty" in refused("empty")
    assert "*.png" in refused("*.png")
    assert "folder" in refused("a.jpg", "b.jpg", out="file")
