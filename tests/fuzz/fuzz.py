"""Fuzzes every target for a while, and keeps what it finds: python -m fuzz.fuzz MINUTES   (make fuzz)"""

# ruff: noqa: T201 - it is a command

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
"""Inputs that were once taken wrongly, by target. `make test` tries each again."""
STARTS = 120
"""Seconds that a run may take beside its time."""


@dataclass(frozen=True)
class Outcome:
    tried: int
    """Inputs."""
    covered: int
    """Places in the code that they reached."""
    found: list[Path]
    """What was taken wrongly."""
    said: str


def fuzz(name: str, folder: Path, seconds: int) -> Outcome:
    """Fuzzes one target in a process of its own."""
    command = [sys.executable, "-m", "fuzz.driver", name, str(folder), str(seconds)]
    done = subprocess.run(
        command,
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + STARTS,
        check=False,
    )
    said = done.stdout + done.stderr
    tried = re.search(r"stat::number_of_executed_units: +(\d+)", said)
    covered = re.findall(r"cov: (\d+)", said)
    found = [path for path in folder.glob("*-*") if path.is_file()]
    if done.returncode != 0 and not found:
        raise RuntimeError(f"the fuzzer of {name} ended with {done.returncode}:\n{said[-3000:]}")
    return Outcome(int(tried[1]) if tried else 0, int(covered[-1]) if covered else 0, found, said)


def main() -> None:
    seconds = max(1, round(float(sys.argv[1]) * 60 / len(TARGETS)))
    wrong = 0
    for name in TARGETS:
        folder = ROOT / "build" / "fuzz" / name
        folder.mkdir(parents=True, exist_ok=True)
        outcome = fuzz(name, folder, seconds)
        print(f"{name}: {outcome.tried} inputs in {seconds} s, {outcome.covered} places of code reached", flush=True)
        for path in outcome.found:
            kept = FOUND / name / path.name
            kept.parent.mkdir(exist_ok=True)
            shutil.move(path, kept)
            wrong += 1
            print(f"{outcome.said[-2000:]}\n{kept}: taken wrongly; `make test` tries it from now on", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
