"""The command `igemoji photo`, with real worker processes, on a terminal and in a script."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from igemoji_stack.cli import app
from igemoji_stack.photo import templates
from igemoji_stack.photo.errors import Failure
from igemoji_stack.photo.local import LocalWorker
from igemoji_stack.photo.templates import ASSETS
from igemoji_vision.faces import EXPRESSIONS
from igemoji_vision.sandbox.limits import PHOTO

IGEMOJI = str(Path(sys.executable).parent / "igemoji")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    if not (ASSETS / "models" / "manifest.json").is_file():
        pytest.fail("the models are missing: run `make assets`")
    monkeypatch.chdir(tmp_path)


def portrait(side: int = 512) -> Image.Image:
    """Return a photo of a smiling person."""
    return Image.fromarray(skimage.data.astronaut()).resize((side, side))


def landscape() -> Image.Image:
    image = Image.new("RGB", (320, 240), (90, 150, 210))
    ImageDraw.Draw(image).polygon([(0, 240), (100, 120), (320, 240)], fill=(40, 110, 50))
    return image


def folder_of_photos(count: int) -> None:
    """Save portraits, the second photo a landscape."""
    Path("pics").mkdir()
    for number in range(count):
        (landscape() if number == 1 else portrait(256 + number)).save(f"pics/{number:03}.jpg")


def pixels(path: Path | str) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def igemoji(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([IGEMOJI, "photo", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "\033" not in done.stdout + done.stderr
    return done


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_ready(pid: int) -> bool:
    """Return whether a worker has loaded its models: it limits its memory after that."""
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return any(line.startswith("Max data size") and "unlimited" not in line for line in limits)


def leftovers() -> list[str]:
    return [str(path) for path in Path().rglob(".igemoji-*")]


def eventually(check: Callable[[], Any]) -> Any:
    until = time.monotonic() + 30
    while not (found := check()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return found


def test_faces_in_a_folder_are_covered_and_described():
    Path("pics/sub").mkdir(parents=True)
    portrait().save("pics/a.png")
    landscape().save("pics/b.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    portrait(400).rotate(90).crop((0, 0, 400, 380)).save("pics/sub/c.jpg", exif=turned)
    Path("pics/sub/d.jpg").write_text("no photo")
    before = {path: path.read_bytes() for path in Path("pics").rglob("*.*")}

    done = igemoji("pics", "-o", "out", "--json", "-", "--workers", "2", code=1)

    assert done.stderr.splitlines() == [
        "pics/sub/d.jpg: PHOTO_NOT_RECOGNIZED: This is not a photo in JPEG, PNG, WebP or HEIC format.",
        "3 photos done, 2 faces covered; 1 without a face; 1 failed.",
    ]
    assert {path: path.read_bytes() for path in Path("pics").rglob("*.*")} == before
    a, b, c, d = records(done.stdout)
    assert [record["photo"] for record in (a, b, c, d)] == [
        "pics/a.png",
        "pics/b.png",
        "pics/sub/c.jpg",
        "pics/sub/d.jpg",
    ]
    assert d["error"]["reason"] == "PHOTO_NOT_RECOGNIZED"
    assert (c["width"], c["height"]) == (380, 400)
    assert (b["width"], b["height"], b["faces"]) == (320, 240, [])
    (face,) = a["faces"]
    assert set(face) == {"box", "roll", "landmarks", "expression", "uncertain", "scores"}
    assert face["expression"] == "happy"
    assert set(face["scores"]) == set(EXPRESSIONS)
    assert len(face["landmarks"]) == 5
    x, y, width, height = face["box"]
    changed = np.abs(pixels("out/a.png").astype(int) - np.asarray(portrait())).max(axis=2) > 0
    assert changed[round(y) : round(y + height), round(x) : round(x + width)].mean() > 0.9
    assert not changed[:20].any()
    assert np.array_equal(pixels("out/b.png"), np.asarray(landscape()))
    assert not Path("out/sub/d.jpg").exists()
    assert leftovers() == []


def test_finished_photos_are_skipped_unless_something_changed():
    folder_of_photos(3)
    first = igemoji("pics", "-o", "out", "--json", "first.jsonl")
    made = {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*.jpg")}
    assert len(made) == 3
    assert first.stderr == "3 photos done, 2 faces covered; 1 without a face.\n"

    again = igemoji("pics", "-o", "out", "--json", "again.jsonl")
    assert again.stderr == "0 photos done, 0 faces covered; 3 done by an earlier run; 1 without a face.\n"
    assert Path("again.jsonl").read_text() == Path("first.jsonl").read_text()
    assert {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*.jpg")} == made

    portrait(300).save("pics/001.jpg")
    Path("out/002.jpg").unlink()
    changed = igemoji("pics", "-o", "out", "--json", "-")
    assert "2 photos done, 2 faces covered; 1 done by an earlier run." in changed.stderr
    assert [len(record["faces"]) for record in records(changed.stdout)] == [1, 1, 1]

    assert "3 photos done" in igemoji("pics", "-o", "out", "--emoji", "Full Drama").stderr
    assert "1 photo done" in igemoji("pics/000.jpg", "-o", "out", "--emoji", "drama", "--force").stderr


def test_results_are_not_photos_of_the_next_run():
    portrait().save("a.jpg")
    assert igemoji("a.jpg").stderr == "a.igemoji.jpg: 1 photo done, 1 face covered.\n"
    assert "1 done by an earlier run" in igemoji("a.jpg", "a.igemoji.jpg").stderr
    assert sorted(path.name for path in Path().iterdir()) == [".igemoji.jsonl", "a.igemoji.jpg", "a.jpg"]


def test_foreign_files_are_not_replaced():
    portrait().save("a.jpg")
    portrait(300).save("b.jpg")
    Path("out").mkdir()
    Path("out/a.jpg").write_text("mine")
    refused = igemoji("a.jpg", "b.jpg", "-o", "out", code=1)
    assert "a.jpg: RESULT_EXISTS: out/a.jpg exists and was not made by igemoji" in refused.stderr
    assert Path("out/a.jpg").read_text() == "mine"
    Path("other").mkdir()
    portrait(200).save("other/b.jpg")
    assert "the result of another photo" in igemoji("other", "-o", "out", code=1).stderr
    igemoji("a.jpg", "-o", "out", "--force")
    assert pixels("out/a.jpg").shape == (512, 512, 3)


def test_own_template_covers_faces():
    portrait().save("a.png")
    templates.create(Path("mine"), "classic", ASSETS)
    Image.new("RGB", (64, 64), (255, 0, 255)).save("mine/happy.png")
    (record,) = records(igemoji("a.png", "--emoji", "mine", "-o", "b.png", "--json", "-").stdout)
    x, y, width, height = record["faces"][0]["box"]
    assert tuple(pixels("b.png")[round(y + height / 2), round(x + width / 2)]) == (255, 0, 255)


def test_dead_worker_fails_one_photo():
    folder_of_photos(30)
    command = [IGEMOJI, "photo", "pics", "-o", "out", "--workers", "2", "--json", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # Not one that still starts: that would end the command.
        worker = eventually(lambda: next(filter(is_ready, children(process.pid)), None))
        os.kill(worker, signal.SIGSTOP)
        time.sleep(1)  # by now it has a photo
        os.kill(worker, signal.SIGKILL)
        output, errors = process.communicate(timeout=60)
    failed = [record for record in records(output) if "error" in record]
    assert process.returncode == 1, errors
    assert len(records(output)) == 30
    assert [record["error"]["reason"] for record in failed] == ["WORKER_LOST"], errors
    assert f"{failed[0]['photo']}: WORKER_LOST: The process that worked on this photo ended (signal 9)." in errors
    assert len(list(Path("out").glob("*.jpg"))) == 29
    assert leftovers() == []


def test_ctrl_c_stops_at_once_and_the_next_run_resumes():
    folder_of_photos(30)
    command = [IGEMOJI, "photo", "pics", "-o", "out", "--workers", "2", "--json", "-"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        workers = children(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    done = len(list(Path("out").glob("*.jpg")))
    assert 0 < done < 30
    assert errors == f"Stopped: {done} of 30 photos are done. Run the same command to continue.\n"
    assert len(rest.splitlines()) + 1 == done
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert leftovers() == []
    assert f"{30 - done} photos done, " in igemoji("pics", "-o", "out").stderr
    assert all(pixels(path).shape[2] == 3 for path in Path("out").glob("*.jpg"))


def test_killed_command_leaves_no_process_and_no_partial_file():
    folder_of_photos(12)
    command = [IGEMOJI, "photo", "pics", "-o", "out", "--workers", "2", "--json", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        workers = children(process.pid)
        process.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in workers))
    assert leftovers() == []
    done = len(list(Path("out").glob("*.jpg")))
    assert f"; {done} done by an earlier run" in igemoji("pics", "-o", "out").stderr


async def test_photo_over_a_limit_fails_and_the_next_one_succeeds():
    os.mkfifo("slow.jpg")  # nobody writes to it: reading never ends
    portrait().save("a.jpg")
    Image.new("RGB", (6000, 6000)).save("large.png")
    template = templates.find("classic", ASSETS)
    limits = replace(PHOTO, wall_seconds=5, memory_bytes=300 * 2**20)
    worker = LocalWorker(ASSETS / "models", template.pictures, limits)
    try:
        slow = await worker.work(Path("slow.jpg"))
        large = await worker.work(Path("large.png"))
        gone = await worker.work(Path("gone.jpg"))
        found = await worker.work(Path("a.jpg"))
    finally:
        await worker.end()
    assert isinstance(slow, Failure)
    assert isinstance(large, Failure)
    assert isinstance(gone, Failure)
    assert (slow.reason, large.reason, gone.reason) == ("LIMIT", "LIMIT", "FILE_UNREADABLE")
    assert "5 s" in slow.message
    assert "memory" in large.message
    assert not isinstance(found, Failure)
    assert len(found.findings["faces"]) == 1


def test_progress_bar_is_on_the_terminal_only():
    folder_of_photos(2)
    ours, theirs = pty.openpty()
    command = [IGEMOJI, "photo", "pics", "-o", "out", "--json", "-"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment) as process:
        out, _ = process.communicate(timeout=60)
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while part := os.read(ours, 2**16):
            written += part
    shown = written.decode()
    os.close(ours)
    assert "2/2" in shown
    assert "2 photos done, 1 face covered; 1 without a face." in shown
    assert len(records(out)) == 2


def test_undecodable_file_names_work():
    name = os.fsdecode(b"pics/[red]\xff.jpg")
    Path("pics").mkdir()
    portrait(200).save("a.jpg")
    shutil.copy("a.jpg", name)
    Path("pics/이게 모지.jpg").write_text("no photo")
    done = igemoji("pics", "-o", "out", "--json", "-", code=1)
    assert [record["photo"] for record in records(done.stdout)] == [name, "pics/이게 모지.jpg"]
    assert "이게 모지" in done.stdout
    assert "pics/이게 모지.jpg: PHOTO_NOT_RECOGNIZED" in done.stderr
    assert (Path("out") / Path(name).name).is_file()


def test_usage_errors_are_one_sentence():
    portrait(200).save("a.jpg")
    shutil.copytree(ASSETS / "templates", "assets/templates")
    for arguments, said in (
        (["nowhere.jpg"], "There is no photo and no folder nowhere.jpg."),
        (["a.jpg", "--emoji", "clasic"], "did you mean classic?"),
        (["a.jpg", "-o", "a.jpg"], "would overwrite the photo a.jpg"),
        (["a.jpg", "-o", "a.jpg/out"], "The folder a.jpg/out can't be made"),
        (["a.jpg", "--json", "a.jpg"], "--json a.jpg would overwrite"),
        (["a.jpg", "--json", "no/where"], "no/where can't be written"),
        (["a.jpg", "--assets", "assets"], "make assets"),
        (["a.jpg", "--assets", "nothing"], "make assets"),
    ):
        done = CliRunner().invoke(app, ["photo", *arguments])
        assert (done.exit_code, done.stdout) == (2, "")
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    shutil.copytree(ASSETS / "models", "assets/models")
    model = Path("assets/models/fer.onnx")
    model.write_bytes(model.read_bytes()[:1000])
    assert igemoji("a.jpg", "--assets", "assets", code=2).stderr.endswith("is damaged: run `make assets`.\n")
