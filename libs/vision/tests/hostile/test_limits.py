"""What a photo may take: time, memory, a worker."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from igemoji_inference.domain.model import Done, Failure
from igemoji_vision.faces import EXPRESSIONS
from igemoji_vision.sandbox import protocol

MIB = 1 << 20


@pytest.fixture(scope="module")
def endless(save):
    """A progressive JPEG of 200 kilobytes whose last scan is repeated thousands of times: half a minute of work."""
    data = save("JPEG", Image.new("L", (4_000, 4_000), 90), progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * 3_000 + data[-2:]


def test_a_photo_that_takes_too_long_is_ended_and_the_next_one_is_done(make_workbench, endless, save):
    workbench = make_workbench(task_seconds=2)
    started = time.monotonic()
    ended = workbench.work(endless)

    assert isinstance(ended, Failure)
    assert ended.reason == "LIMIT"
    assert time.monotonic() - started < 8
    assert workbench.losses == 0
    assert isinstance(workbench.work(save("JPEG")), Done)


def test_the_processor_is_taken_away_even_if_the_service_does_not_watch(models, endless):
    arguments = [str(models), str(1536 * MIB), "1", "onnx"]
    with subprocess.Popen(
        [sys.executable, "-m", "igemoji_vision.sandbox.main", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        job = {"kind": "job", "task_id": "t", "expressions": EXPRESSIONS, "revised": None}
        assert child.stdin is not None
        child.stdin.write(protocol.encode(job, [endless, *[b""] * len(EXPRESSIONS)]))
        child.stdin.flush()
        assert child.wait(30) == -signal.SIGXCPU


def test_a_worker_whose_processor_was_taken_away_failed_for_the_limit(make_workbench, endless, save):
    workbench = make_workbench()
    workbench.forget_peak()
    threading.Timer(0.5, os.kill, (workbench.worker.pid, signal.SIGXCPU)).start()

    ended = workbench.work(endless)

    assert isinstance(ended, Failure)
    assert ended.reason == "LIMIT"
    assert isinstance(workbench.work(save("JPEG")), Done)


def test_a_crash_leaves_no_photo_on_the_disk(workbench, save):
    workbench.work(save("JPEG"))
    limits = Path(f"/proc/{workbench.worker.pid}/limits").read_text()
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]


@pytest.fixture(scope="module")
def large_photos(save):
    """Twelve megapixels in every format."""
    plain = Image.new("RGB", (4_000, 3_000), (200, 150, 120))
    return {
        "JPEG": save("JPEG", plain),
        "progressive JPEG": save("JPEG", plain, progressive=True),
        "PNG": save("PNG", plain, compress_level=1),
        "WebP": save("WEBP", plain, method=0),
        "HEIC": save("HEIF", plain, quality=20),
    }


@pytest.mark.parametrize("spare_mib", [40, 90, 140, 190])
def test_with_too_little_memory_a_photo_fails_for_the_limit_and_the_worker_lives(
    make_workbench, large_photos, save, spare_mib
):
    limit = 70 * MIB + spare_mib * MIB
    workbench = make_workbench(memory_bytes=limit)
    workbench.forget_peak()
    worker = workbench.worker.pid

    outcomes = {name: workbench.work(photo) for name, photo in large_photos.items()}

    # libheif decodes in a thread, and glibc ends a process that has no memory for what a thread keeps: that the caller
    # lives then is luck. Such a photo costs its worker, and the next one a new worker.
    lost_to_threads = outcomes["HEIC"] is None
    if lost_to_threads:
        del outcomes["HEIC"]
    for name, ended in outcomes.items():
        # libwebp and libde265 do not tell a lack of memory from damage.
        reasons = ("LIMIT", "PHOTO_DAMAGED") if name in ("WebP", "HEIC") else ("LIMIT",)
        assert isinstance(ended, Done) or (ended is not None and ended.reason in reasons), (name, ended)
    assert spare_mib > 100 or any(isinstance(ended, Failure) for ended in outcomes.values())
    assert workbench.losses == int(lost_to_threads)
    assert lost_to_threads or workbench.worker.pid == worker
    assert lost_to_threads or workbench.peak_bytes() < limit + 100 * MIB
