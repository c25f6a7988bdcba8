"""How long a page of a list takes with a million templates and five million finished photos.

    python bench/lists/bench.py [--templates N] [--photos N] [--results FILE]

The rows are written into SQLite files in bulk; the pages are read by the services' own stores, eight a page, with
pictures' digests and totals, as ListEmojis, GetMyPage and GetRanking do.
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
WARMING = 3
ALLOWED = 2.0
"""How much longer than the first page others may take."""


async def medians_ms(cases: dict[str, Callable[[], Awaitable[object]]]) -> list[tuple[str, float]]:
    """Of REPEATS readings of each, taken in turns, so that what else the machine does slows all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(WARMING + REPEATS):
        for name, read in cases.items():
            began = time.perf_counter()
            await read()
            taken[name].append((time.perf_counter() - began) * 1000)
    return [(name, statistics.median(times[WARMING:])) for name, times in taken.items()]


async def measure(folder: Path, count: int, photos: int) -> list[tuple[str, float]]:
    """What was read, and how long that took in milliseconds, at the median."""
    databases = [Database(f"sqlite:///{folder}/{name}.db") for name in ("templates", "results", "ranking")]
    cases = await templates.pages(databases[0], count)
    cases |= await results.pages(databases[1], photos)
    cases |= results.ranking(databases[2])
    try:
        return await medians_ms(cases)
    finally:
        for database in databases:
            await database.close()


def is_bounded(name: str) -> bool:
    """Whether a page has to be about as quick as the first one of all templates."""
    return "token" in name or "page 1" in name or name.startswith("ranking")


def table(taken: list[tuple[str, float]], count: int, photos: int) -> str:
    base = taken[0][1]
    lines = [
        "# Lists",
        "",
        f"{count:,} templates and {photos:,} finished photos in SQLite, eight a page with pictures and totals, read by",
        f"the services' own stores: the median of {REPEATS} readings in turns. Made by `make bench-lists`.",
        "TotalCache of more than 2,000 finds and favourites are remembered for 30 seconds, but not the first time.",
        "",
        "![How long each takes](lists.png)",
        "",
        "| what | ms | of page 1 |",
        "|---|---|---|",
        *(f"| {name} | {ms:.1f} | {ms / base:.2f} |" for name, ms in taken),
    ]
    return "\n".join(lines) + "\n"


def plot(taken: list[tuple[str, float]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    shown = [(name, ms) for name, ms in reversed(taken) if name.isascii()]
    figure, axes = pyplot.subplots(figsize=(9, 0.28 * len(shown) + 1))
    colours = ["#f2a900" if is_bounded(name) else "#b8b0a0" for name, _ in shown]
    axes.barh([name for name, _ in shown], [ms for _, ms in shown], color=colours)
    axes.axvline(taken[0][1] * ALLOWED, color="#444", linestyle=":", linewidth=1)
    axes.set(xlabel="ms, logarithmic; dotted: twice page 1, which what is yellow must not pass", xscale="log")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, default=1_000_000, help="how many there are (default: a million)")
    parser.add_argument("--photos", type=int, default=5_000_000, help="how many are finished (default: five million)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="where the table is written, and a plot beside it"
    )
    arguments = parser.parse_args()
    if arguments.templates < 20_000 or arguments.photos < 100_000:
        parser.error("fewer than 20,000 templates or 100,000 photos have no deep pages to speak of")
    with tempfile.TemporaryDirectory(prefix="igemoji-lists-") as name:
        folder, began = Path(name), time.monotonic()
        templates.prepare(folder / "templates.db", arguments.templates)
        results.prepare_results(folder / "results.db", arguments.photos)
        results.prepare_ranking(folder / "ranking.db", arguments.templates)
        size = sum(path.stat().st_size for path in folder.iterdir()) >> 20
        print(f"written: {size:,} MiB, {time.monotonic() - began:.0f} s", flush=True)
        taken = asyncio.run(measure(folder, arguments.templates, arguments.photos))
    text = table(taken, arguments.templates, arguments.photos)
    print(text)
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.write_text(text)
    plot(taken, arguments.results.with_suffix(".png"))
    base = taken[0][1]
    late = [name for name, ms in taken if is_bounded(name) and ms > ALLOWED * base]
    if late:
        print(f"More than {ALLOWED} times page 1: {', '.join(late)}.")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
