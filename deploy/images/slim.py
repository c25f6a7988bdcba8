"""Takes out of an image's environment what no service ever runs.

usage: slim.py ENVIRONMENT

Wheels carry tests, headers, static libraries and stubs for type checkers; some carry a library twice. An image is
pulled to every node and scanned for every flaw, so what is not run is not in it.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDERS = ("tests", "test", "SelfTest", "testing", "include", "__pyinstaller")
"""Anywhere below a package, unless it is kept."""
KEPT = ("numpy/testing", "sqlalchemy/testing")
"""Their packages import them: numpy at first use, SQLAlchemy in its dialects."""

SUFFIXES = (".pyi", ".pyx", ".pxd", ".pxi", ".a", ".h", ".hpp", ".c", ".cpp", ".map")

NEVER_RUN = (
    # The C library beside the Python binding, which has all of it inside.
    "onnxruntime/capi/libonnxruntime.so*",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # Haar cascades: of the fer engine, which is no part of an image.
    "cv2/data/*.xml",
    "numpy/distutils",
    "numpy/f2py",
    "numpy/_core/*_tests.*.so",
    # A format that nobody may upload, and letters, which nobody draws.
    "PIL/_avif.*",
    "PIL/_imagingft.*",
    "pillow.libs/libavif-*",
    "pillow.libs/libfreetype-*",
    "pillow.libs/libharfbuzz-*",
)


def main() -> None:
    packages = next(Path(sys.argv[1]).glob("lib/python*/site-packages"))
    before = size(packages)
    for pattern in NEVER_RUN:
        for path in packages.glob(pattern):
            remove(path)
    for path in sorted(packages.rglob("*")):
        name = path.relative_to(packages).as_posix()
        if (path.is_dir() and path.name in FOLDERS and name not in KEPT) or path.suffix in SUFFIXES:
            remove(path)
    # Not the libraries beside them (*.libs): auditwheel has moved their parts, and some do not load any more after it.
    extensions = [path for path in packages.rglob("*.so") if not path.parent.name.endswith(".libs")]
    subprocess.run(["strip", "--strip-unneeded", *extensions], check=True)  # noqa: S603, S607
    sys.stdout.write(f"{before / 1e6:.0f} MB, {size(packages) / 1e6:.0f} MB of them stay\n")


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
