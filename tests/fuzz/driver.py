"""Fuzzes one target with atheris: python -m fuzz.driver TARGET FOLDER SECONDS   (in tests/)

Goes on from what an earlier run left in FOLDER. Ends with 0 after SECONDS; with another code at the first input that is
taken wrongly, takes too long or takes too much memory, which it leaves in FOLDER as `crash-…`, `timeout-…` or `oom-…`.
The process has the limits of a worker (docs/adr/0016), so what would end a worker ends it.
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
"""Their code is watched. That of decoders in C is not: there the fuzzer goes by what our own code makes of it."""

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
        "rss_limit_mb": 0,  # the limit above is the one that counts
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    atheris.Setup([sys.argv[0], *(f"-{option}={value}" for option, value in options.items()), str(corpus)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
