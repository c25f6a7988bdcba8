"""Switches each defence off in a copy of the tree and sees its test fail: python -m trust.mutants.run [WORD ...]

With words only those whose defence has one of them in its name. First all tests run on a copy as it is: they must pass
there.
"""

# ruff: noqa: T201 - it is a command

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from trust.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]
DERIVED = ("libs/protos/src/igemoji", "libs/protos/src/buf", "libs/protos/src/igemoji_protos/data", "assets/build")
"""Made by `make`, and not in git."""
AT_ONCE = 2
"""Mutants, each in a copy of its own: most of them wait for a mesh to start, or for somebody slow to be cut off."""
SECONDS = 300
"""For a test."""
ALL_SECONDS = 1200
FAILED = 1
"""pytest's code where a test failed, and not the run."""


def main() -> None:
    words = sys.argv[1:] or [""]
    chosen = [mutant for mutant in MUTANTS if any(word in mutant.defence for word in words)]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="igemoji-mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            trees.put(copied(Path(folder) / str(number)))
        code, said = tests(Path(folder) / "0", *dict.fromkeys(mutant.test for mutant in chosen))
        if code != 0:
            sys.exit(f"The tests fail without a mutant:\n{said[-5000:]}")
        print(f"{len(chosen)} defences; their tests pass ({time.monotonic() - started:.0f} s)", flush=True)

        def killed(mutant: Mutant) -> bool:
            at, tree = time.monotonic(), trees.get()
            try:
                verdict, why = tried(tree, mutant)
            finally:
                trees.put(tree)
            print(f"{verdict:8}  {time.monotonic() - at:4.0f} s  {mutant.defence}\n{why}", flush=True)
            return verdict == "killed"

        with ThreadPoolExecutor(AT_ONCE) as pool:
            count = sum(pool.map(killed, chosen))
    print(f"{count} of {len(chosen)} killed in {time.monotonic() - started:.0f} s")
    sys.exit(0 if count == len(chosen) else 1)


def copied(tree: Path) -> Path:
    """What git knows, and what is derived from it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    for name in DERIVED:
        shutil.copytree(ROOT / name, tree / name, dirs_exist_ok=True)
    return tree


def tried(tree: Path, mutant: Mutant) -> tuple[str, str]:
    """A verdict, and what speaks for it.

    `killed` where its test fails, `survived` where it passes, `broken` where nothing was tested, such as because the
    mesh did not start, `stale` where the line is not there any more.
    """
    path = tree / mutant.path
    whole = path.read_text()
    if whole.count(mutant.old) != 1:
        return "stale", ""
    path.write_text(whole.replace(mutant.old, mutant.new))
    try:
        code, said = tests(tree, mutant.test, "--exitfirst")
    finally:
        path.write_text(whole)
    failed = re.search(rf"^FAILED {re.escape(mutant.test)}.*", said, re.MULTILINE)
    if code == FAILED and failed:
        return "killed", f"          {failed[0].rpartition('::')[2]}"
    return "survived" if code == 0 else "broken", said[-3000:]


def tests(tree: Path, *arguments: str) -> tuple[int, str]:
    """Runs tests of the copy on the code of the copy, with the packages of this environment."""
    sources = [str(path) for path in sorted(tree.glob("*/*/src")) + sorted(tree.glob("stack/src"))]
    settings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sources),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "240",
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not real", f"--timeout={SECONDS}"]
    try:
        done = subprocess.run(
            [*command, *arguments],
            cwd=tree,
            env=settings,
            capture_output=True,
            text=True,
            timeout=ALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "it took too long"
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    main()
