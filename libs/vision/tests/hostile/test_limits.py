"""Limits of a sandbox: time, memory, core files, privileges."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from igemoji_stack.photo.errors import Failure
from igemoji_vision.errors import PictureUnfit
from igemoji_vision.faces import EXPRESSIONS
from igemoji_vision.sandbox import protocol
from igemoji_vision.sandbox.limits import MIB, PHOTO, PICTURE
from igemoji_vision.sandbox.pictures import PictureSandbox
from igemoji_vision.sandbox.program import Program

from .conftest import Done, disc, peak_bytes


@pytest.fixture(scope="module")
def endless(save):
    """Make a progressive JPEG of 200 kilobytes that repeats its last scan thousands of times: half a minute of work."""
    return progressive(save, 4_000, 3_000)


def progressive(save, side, scans):
    file = save("JPEG", Image.new("L", (side, side), 90), progressive=True)
    scan = file[file.rindex(b"\xff\xda") : -2]
    return file[:-2] + scan * (scans - file.count(b"\xff\xda")) + file[-2:]


def status(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))


def limit(pid, name):
    """Return soft and hard limit."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith(name)).removeprefix(name).split()[:2]


def test_a_photo_that_takes_too_long_fails_and_the_next_one_is_done(make_workbench, endless, save):
    workbench = make_workbench(seconds=2)
    started = time.monotonic()
    ended = workbench.work(endless)

    assert isinstance(ended, Failure)
    assert ended.reason == "LIMIT"
    assert time.monotonic() - started < 8
    assert workbench.losses == 0
    assert isinstance(workbench.work(save("JPEG")), Done)


def test_the_kernel_limits_cpu_time_even_if_the_parent_does_not_watch(models, endless):
    program = Program(replace(PHOTO, cpu_seconds=1), models)
    with subprocess.Popen(program.arguments(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        request = protocol.cover("photo", endless, dict.fromkeys(EXPRESSIONS, b""))
        process.stdin.write(protocol.encode(*request))
        process.stdin.flush()
        assert process.wait(30) == -signal.SIGXCPU


def test_a_photo_whose_process_ran_out_of_cpu_time_failed_for_the_limit(make_workbench, endless, save):
    workbench = make_workbench()
    workbench.forget_peak()
    threading.Timer(0.5, os.kill, (workbench.pid, signal.SIGXCPU)).start()

    ended = workbench.work(endless)

    assert isinstance(ended, Failure)
    assert ended.reason == "LIMIT"
    assert isinstance(workbench.work(save("JPEG")), Done)


def test_every_process_has_the_limits_of_the_table(workbench, save, picture_sandbox, loop):
    workbench.work(save("JPEG"))
    loop.run_until_complete(picture_sandbox.normalize(disc(), keep_background=True))
    (pictures,) = picture_sandbox._all

    for pid, limits in ((workbench.pid, PHOTO), (pictures.pid, PICTURE)):
        assert limit(pid, "Max core file size") == ["0", "0"], "a crash would leave a photo on the disk"
        assert limit(pid, "Max data size") == [str(limits.memory_bytes)] * 2
        assert limit(pid, "Max open files") == [str(limits.open_files)] * 2
        assert limit(pid, "Max cpu time")[0] != "unlimited"
        assert status(pid, "NoNewPrivs") == "1"
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"SECRET" not in environment


def test_a_process_opens_no_file_after_its_start(workbench, save):
    def opened():
        return sorted(os.readlink(link) for link in Path(f"/proc/{workbench.pid}/fd").iterdir())

    workbench.forget_peak()
    before = opened()
    workbench.work(save("JPEG"))
    assert opened() == before


@pytest.fixture(scope="module")
def large_photos(save):
    """Encode twelve megapixels in every format."""
    plain = Image.new("RGB", (4_000, 3_000), (200, 150, 120))
    return {
        "JPEG": save("JPEG", plain),
        "progressive JPEG": save("JPEG", plain, progressive=True),
        "PNG": save("PNG", plain, compress_level=1),
        "WebP": save("WEBP", plain, method=0),
        "HEIC": save("HEIF", plain, quality=20),
    }


@pytest.mark.parametrize("spare_mib", [40, 90, 140, 190])
def test_without_enough_memory_a_photo_fails_for_the_limit_and_its_process_lives(
    make_workbench, large_photos, save, spare_mib
):
    memory_bytes = (70 + spare_mib) * MIB
    workbench = make_workbench(memory_bytes=memory_bytes)
    workbench.forget_peak()
    process = workbench.pid

    outcomes = {name: workbench.work(photo) for name, photo in large_photos.items()}

    # libheif decodes in a thread, and glibc ends a process that has no memory for a thread's own data. Such a photo
    # costs its process, and the next one gets another.
    lost_to_threads = outcomes["HEIC"] is None
    if lost_to_threads:
        del outcomes["HEIC"]
    for name, ended in outcomes.items():
        # libwebp and libde265 report a lack of memory as damage.
        reasons = ("LIMIT", "PHOTO_DAMAGED") if name in ("WebP", "HEIC") else ("LIMIT",)
        assert isinstance(ended, Done) or (ended is not None and ended.reason in reasons), (name, ended)
    assert spare_mib > 100 or any(isinstance(ended, Failure) for ended in outcomes.values())
    assert workbench.losses == int(lost_to_threads)
    assert lost_to_threads or workbench.pid == process
    assert lost_to_threads or workbench.peak_bytes() < memory_bytes + 100 * MIB


@pytest.fixture(scope="module")
def faces(save):
    """Encode two photos with faces, of 0.3 and of 4 megapixels."""
    portrait = Image.fromarray(data.astronaut())
    return [save("JPEG", portrait), save("JPEG", portrait.resize((2_000, 2_000)))]


@pytest.mark.parametrize("memory_mib", range(90, 221, 10))
def test_wherever_memory_runs_out_with_faces_the_photo_fails_for_the_limit(make_workbench, faces, memory_mib):
    """Memory runs out in a decoder, in numpy, OpenCV or onnxruntime, by turns."""
    workbench = make_workbench(memory_bytes=memory_mib * MIB)
    workbench.forget_peak()
    process = workbench.pid

    for photo in [*faces, *faces]:
        ended = workbench.work(photo)

        assert isinstance(ended, Done) or (ended is not None and ended.reason == "LIMIT"), ended
        assert memory_mib > 100 or isinstance(ended, Failure)
        assert workbench.pid == process


def running(sandbox: PictureSandbox) -> int:
    """Return the pid of the sandbox's process. A signal to the pid 0 would reach all of this run."""
    pid = sandbox._all[0].pid
    assert pid is not None
    return pid


async def test_a_picture_that_takes_too_long_is_refused_and_the_next_one_is_done(save):
    sandbox = PictureSandbox(1, replace(PICTURE, wall_seconds=1))
    try:
        await sandbox.normalize(disc(), keep_background=True)
        os.kill(running(sandbox), signal.SIGSTOP)
        with pytest.raises(PictureUnfit, match="too much time"):
            await sandbox.normalize(progressive(save, 2_000, 100), keep_background=True)
        assert await sandbox.normalize(disc(), keep_background=True)
    finally:
        await sandbox.close()


async def test_a_picture_that_needs_too_much_memory_is_refused_and_its_process_lives(save):
    sandbox = PictureSandbox(1, replace(PICTURE, memory_bytes=30 * MIB, wall_seconds=20))
    large = save("PNG", Image.new("RGBA", (2_000, 2_000)))
    try:
        assert await sandbox.normalize(disc(), keep_background=True)
        pid = running(sandbox)
        with pytest.raises(PictureUnfit, match="too much"):
            await sandbox.normalize(large, keep_background=True)
        assert await sandbox.normalize(disc(), keep_background=True)
        assert running(sandbox) == pid
        assert peak_bytes(pid) < 100 * MIB
    finally:
        await sandbox.close()


async def test_a_picture_whose_process_dies_is_tried_again_in_another_one():
    sandbox = PictureSandbox(1)
    try:
        png = await sandbox.normalize(disc(), keep_background=True)
        os.kill(running(sandbox), signal.SIGKILL)
        assert await sandbox.normalize(disc(), keep_background=True) == png
        with Image.open(BytesIO(await sandbox.thumbnail(png, 64))) as image:
            assert (image.format, image.size) == ("WEBP", (64, 64))
    finally:
        await sandbox.close()
