"""Remove from the environment of an image what no service runs.

usage: slim.py ENVIRONMENT

Wheels contain tests, headers, static libraries and type stubs; some contain a library twice. An image is pulled to
every node and scanned for vulnerabilities, so it has only what runs.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDERS = ("tests", "test", "SelfTest", "testing", "include", "__pyinstaller")
"""Removed anywhere below a package, except `KEPT`."""
KEPT = ("numpy/testing", "sqlalchemy/testing")
"""Imported by their packages: numpy at first use, SQLAlchemy in its dialects."""

SUFFIXES = (".pyi", ".pyx", ".pxd", ".pxi", ".a", ".h", ".hpp", ".c", ".cpp", ".map")

NEVER_RUN = (
    # The C library; the Python binding has its own copy of it.
    "onnxruntime/capi/libonnxruntime.so*",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # Haar cascades, for the fer engine, which is not in images.
    "cv2/data/*.xml",
    "numpy/distutils",
    "numpy/f2py",
    "numpy/_core/*_tests.*.so",
    # AVIF, which cannot be uploaded, and fonts, which are never drawn.
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
    # Not the libraries in *.libs: auditwheel has moved their sections, and some do not load after strip.
    extensions = [path for path in packages.rglob("*.so") if not path.parent.name.endswith(".libs")]
    subprocess.run(["strip", "--strip-unneeded", *extensions], check=True)  # noqa: S603, S607
    sys.stdout.write(f"{before / 1e6:.0f} MB, {size(packages) / 1e6:.0f} MB after cleaning\n")


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
