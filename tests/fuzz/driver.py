"""Fuzz one target with atheris.

Usage (in tests/): python -m fuzz.driver TARGET FOLDER SECONDS

Continues with the corpus in FOLDER. Exits with 0 after SECONDS, or with another code at the first finding: an
exception, too much time or too much memory. The input is then in FOLDER as `crash-…`, `timeout-…` or `oom-…`. The
process has the limits of a worker (docs/adr/0016).
"""

import resource
import sys
from pathlib import Path

import atheris

OURS = [
    "igemoji_mesh",
    "igemoji_inference",
    "igemoji_emoji_catalog",
    "igemoji_auth",
    "multipart",
    "jwt",
    "http.cookies",
]
"""Packages that are instrumented for coverage; decoders in C are not."""

with atheris.instrument_imports(include=OURS, enable_loader_override=False):
    from fuzz.targets import TARGETS
    from igemoji_inference.entrypoints.settings import WorkSettings

CPU_SECONDS_TO_SPARE = 60


def main() -> None:
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    target, limits = TARGETS[name], WorkSettings()
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    resource.setrlimit(resource.RLIMIT_DATA, (limits.task_memory_bytes, limits.task_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + CPU_SECONDS_TO_SPARE,) * 2)
    options = {
        "max_total_time": seconds,
        "timeout": round(limits.task_seconds),
        "max_len": target.max_bytes,
        "rss_limit_mb": 0,  # the limit above counts
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    atheris.Setup([sys.argv[0], *(f"-{option}={value}" for option, value in options.items()), str(corpus)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
