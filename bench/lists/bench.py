"""Benchmark of lists: time to read a page with a million templates and five million results.

    python bench/lists/bench.py [--templates N] [--photos N] [--results FILE]

The rows are inserted in bulk into SQLite files. The pages (eight items, with digests of pictures and totals) are read
through the adapters of the services, as in ListEmojis, GetMyPage and GetRanking.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import results
import templates

from igemoji_mesh.db.database import Database

RESULTS = Path(__file__).parents[1] / "results" / "lists.md"
REPEATS = 30
WARM_UP = 3
MAX_RATIO = 2.0
"""Maximum time of a page relative to the first page."""


async def medians_ms(cases: dict[str, Callable[[], Awaitable[object]]]) -> list[tuple[str, float]]:
    """Return the median of REPEATS reads of each case. The cases alternate, so that other processes slow all alike."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(WARM_UP + REPEATS):
        for name, read in cases.items():
            began = time.perf_counter()
            await read()
            taken[name].append((time.perf_counter() - began) * 1000)
    return [(name, statistics.median(times[WARM_UP:])) for name, times in taken.items()]


async def measure(folder: Path, count: int, photos: int) -> list[tuple[str, float]]:
    """Return (name, median in milliseconds) of each read."""
    databases = [Database(f"sqlite:///{folder}/{name}.db") for name in ("templates", "results", "ranking")]
    cases = await templates.pages(databases[0], count)
    cases |= await results.pages(databases[1], photos)
    cases |= results.ranking(databases[2])
    try:
        return await medians_ms(cases)
    finally:
        for database in databases:
            await database.close()


def is_limited(name: str) -> bool:
    """Return whether MAX_RATIO applies to a read."""
    return "token" in name or "page 1" in name or name.startswith("ranking")


def table(medians: list[tuple[str, float]], count: int, photos: int) -> str:
    base = medians[0][1]
    lines = [
        "# Lists",
        "",
        f"Made by `make bench-lists`: {count:,} templates and {photos:,} results in SQLite, pages of eight with",
        f"pictures and totals, read through the adapters of the services; medians of {REPEATS} alternating reads.",
        "Totals above 2,000 are cached for 30 seconds; a search for the first time is not.",
        "",
        "![Time of each read](lists.png)",
        "",
        "| read | ms | relative to page 1 |",
        "|---|---|---|",
        *(f"| {name} | {ms:.1f} | {ms / base:.2f} |" for name, ms in medians),
    ]
    return "\n".join(lines) + "\n"


def plot(medians: list[tuple[str, float]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    shown = [(name, ms) for name, ms in reversed(medians) if name.isascii()]
    figure, axes = pyplot.subplots(figsize=(9, 0.28 * len(shown) + 1))
    colors = ["#f2a900" if is_limited(name) else "#b8b0a0" for name, _ in shown]
    axes.barh([name for name, _ in shown], [ms for _, ms in shown], color=colors)
    axes.axvline(medians[0][1] * MAX_RATIO, color="#444", linestyle=":", linewidth=1)
    axes.set(xlabel="ms (logarithmic); dotted: twice page 1, the limit of the yellow bars", xscale="log")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, default=1_000_000, help="number of templates (default: a million)")
    parser.add_argument("--photos", type=int, default=5_000_000, help="number of results (default: five million)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="file of the table; the plot is written next to it"
    )
    arguments = parser.parse_args()
    if arguments.templates < 20_000 or arguments.photos < 100_000:
        parser.error("at least 20,000 templates and 100,000 photos are needed for deep pages")
    with tempfile.TemporaryDirectory(prefix="igemoji-lists-") as name:
        folder, began = Path(name), time.monotonic()
        templates.prepare(folder / "templates.db", arguments.templates)
        results.prepare_results(folder / "results.db", arguments.photos)
        results.prepare_ranking(folder / "ranking.db", arguments.templates)
        size = sum(path.stat().st_size for path in folder.iterdir()) >> 20
        print(f"inserted: {size:,} MiB, {time.monotonic() - began:.0f} s", flush=True)
        medians = asyncio.run(measure(folder, arguments.templates, arguments.photos))
    text = table(medians, arguments.templates, arguments.photos)
    print(text)
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.write_text(text)
    plot(medians, arguments.results.with_suffix(".png"))
    base = medians[0][1]
    slow = [name for name, ms in medians if is_limited(name) and ms > MAX_RATIO * base]
    if slow:
        print(f"More than {MAX_RATIO} times page 1: {', '.join(slow)}.")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
