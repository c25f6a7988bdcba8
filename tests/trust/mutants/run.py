"""Switches each defence off in a copy of the tree and sees its test fail: python -m trust.mutants.run [WORD]

With WORD only those whose defence has it in its name. First all tests run on the copy as it is: they must pass there.
"""

# ruff: noqa: T201 - it is a command

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trust.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]
DERIVED = ("libs/protos/src/igemoji", "libs/protos/src/buf", "libs/protos/src/igemoji_protos/data", "assets/build")
"""Made by `make`, and not in git."""
SECONDS = 180
"""For the tests of one mutant."""
FAILED = 1
"""pytest's code where a test failed, and not the run."""


def main() -> None:
    word = sys.argv[1] if sys.argv[1:] else ""
    chosen = [mutant for mutant in MUTANTS if word in mutant.defence]
    started, wrong = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="igemoji-mutants-") as folder:
        tree = Path(folder)
        copy(tree)
        code, said = tests(tree, *dict.fromkeys(test for mutant in chosen for test in mutant.test.split()))
        if code != 0:
            sys.exit(f"The tests fail without a mutant:\n{said[-5000:]}")
        print(f"{len(chosen)} defences; their tests pass ({time.monotonic() - started:.0f} s)", flush=True)
        for mutant in chosen:
            at = time.monotonic()
            verdict = tried(tree, mutant)
            wrong += verdict != "killed"
            print(f"{verdict:8}  {time.monotonic() - at:4.0f} s  {mutant.defence}", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)} killed in {time.monotonic() - started:.0f} s")
    sys.exit(1 if wrong else 0)


def copy(tree: Path) -> None:
    """What git knows, and what is derived from it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    for name in DERIVED:
        shutil.copytree(ROOT / name, tree / name, dirs_exist_ok=True)


def tried(tree: Path, mutant: Mutant) -> str:
    """`killed` where its test fails, `survived` where it passes, `stale` where the line is not there any more."""
    path = tree / mutant.path
    whole = path.read_text()
    if whole.count(mutant.old) != 1:
        return "stale"
    path.write_text(whole.replace(mutant.old, mutant.new))
    try:
        code, said = tests(tree, *mutant.test.split(), "--exitfirst")
    finally:
        path.write_text(whole)
    if code == FAILED and re.search(r"^FAILED ", said, re.MULTILINE):
        return "killed"
    print(said[-2000:])
    return "survived" if code == 0 else "broken"


def tests(tree: Path, *arguments: str) -> tuple[int, str]:
    """Runs tests of the copy on the code of the copy, with the packages of this environment."""
    sources = [str(path) for path in sorted(tree.glob("*/*/src")) + sorted(tree.glob("stack/src"))]
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(sources), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not real", *arguments]
    try:
        done = subprocess.run(
            command, cwd=tree, env=settings, capture_output=True, text=True, timeout=SECONDS * 3, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, "it took too long"
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    main()
