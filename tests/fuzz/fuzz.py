"""Fuzz every target and keep the findings.

Usage (`make fuzz`): python -m fuzz.fuzz MINUTES
"""

# ruff: noqa: T201 - a command prints

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
"""Findings by target; `make test` runs each again."""
START_SECONDS = 120
"""Maximum time of a run in addition to its fuzzing time."""


@dataclass(frozen=True)
class Outcome:
    """Result of fuzzing one target."""

    tried: int
    """Number of inputs."""
    covered: int
    """Coverage as libFuzzer counts it."""
    found: list[Path]
    """Findings."""
    output: str


def fuzz(name: str, folder: Path, seconds: int) -> Outcome:
    """Fuzz one target in a process of its own."""
    command = [sys.executable, "-m", "fuzz.driver", name, str(folder), str(seconds)]
    done = subprocess.run(
        command,
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + START_SECONDS,
        check=False,
    )
    output = done.stdout + done.stderr
    tried = re.search(r"stat::number_of_executed_units: +(\d+)", output)
    covered = re.findall(r"cov: (\d+)", output)
    found = [path for path in folder.glob("*-*") if path.is_file()]
    if done.returncode != 0 and not found:
        raise RuntimeError(f"the fuzzer of {name} ended with {done.returncode}:\n{output[-3000:]}")
    return Outcome(int(tried[1]) if tried else 0, int(covered[-1]) if covered else 0, found, output)


def main() -> None:
    seconds = max(1, round(float(sys.argv[1]) * 60 / len(TARGETS)))
    findings = 0
    for name in TARGETS:
        folder = ROOT / "build" / "fuzz" / name
        folder.mkdir(parents=True, exist_ok=True)
        outcome = fuzz(name, folder, seconds)
        print(f"{name}: {outcome.tried} inputs in {seconds} s, {outcome.covered} coverage points", flush=True)
        for path in outcome.found:
            kept = FOUND / name / path.name
            kept.parent.mkdir(exist_ok=True)
            shutil.move(path, kept)
            findings += 1
            print(f"{outcome.output[-2000:]}\n{kept}: a finding; `make test` runs it from now on", flush=True)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
