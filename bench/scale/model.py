"""A queueing model of the mesh: what so many photos a second need of each part, and how long a photo takes.

    python bench/scale/model.py [--demands bench/results/scale.json]

Each part has a demand: the seconds of one core that a photo costs there, measured by bench/scale/bench.py. By the
utilization law (Denning and Buzen, 1978) a part with c cores is busy X·D/c of the time at X photos a second, and none
can do more than c/D. What parts that share their cores do for so many people is told by mean value analysis (Reiser and
Lavenberg, 1980; several cores as by Seidmann, Schweitzer and Shalev-Oren, 1987). Waiting is that of M/G/c by Allen and
Cunneen's approximation (Allen, Probability, Statistics, and Queueing Theory, 1990, ch. 5): Erlang's C, times the mean
of the squared coefficients of variation of what comes and of the work.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUSY = 0.7
"""How busy a part is planned to be: what is left is for bursts, and for a replica that is gone."""
RATES = (1, 100, 10_000)


@dataclass(frozen=True)
class Demand:
    """What one photo costs in one part."""

    part: str
    seconds: float
    """Of one core."""


def busy(rate: float, seconds: float, cores: float) -> float:
    """The share of its time that a part works, at `rate` photos a second."""
    return rate * seconds / cores


def most(demands: list[Demand], cores: float) -> float:
    """Photos a second of parts that share so many cores, when none is idle."""
    return cores / sum(demand.seconds for demand in demands)


@dataclass(frozen=True)
class Alone:
    """What a photo takes when there is no other, in seconds."""

    processor: float
    """Of one core, in all parts that share the cores."""
    response: float
    """From the upload to the news that it is done."""
    worker: float
    """How long a worker has it."""


def together(alone: Alone, people: int, workers: int, cores: float) -> float:
    """Photos a second where so many people always have one under way, and each worker has one at a time.

    The cores are the queue; what a photo waits for besides is a delay. With one person more each photo finds the
    queue that was there before. A worker has a photo for longer by as much as the processor's part of it takes longer;
    when all workers have one, more people wait before them and not for the cores.
    """
    demand, delay = alone.processor, max(0.0, alone.response - alone.processor)
    queue, best = 0.0, 0.0
    for count in range(1, people + 1):
        at_cores = demand / cores * (1 + queue) + demand * (cores - 1) / cores
        rate = count / (at_cores + delay)
        queue = rate * demand / cores * (1 + queue)
        held = alone.worker * at_cores / demand
        best = max(best, min(rate, workers / held))
    return best


def cores_for(rate: float, seconds: float) -> int:
    """Cores that a part needs so that it is no busier than planned."""
    return max(1, math.ceil(rate * seconds / BUSY))


def erlang_c(servers: int, load: float) -> float:
    """The chance that a photo has to wait, where `load` = arrivals x work of each (in servers), below `servers`."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - (load / servers) * (1 - blocked))


def wait(rate: float, seconds: float, servers: int, variation: float) -> float:
    """Mean seconds in the queue of M/G/c; `variation` is the coefficient of variation of the work."""
    load = rate * seconds
    if load >= servers:
        return math.inf
    return erlang_c(servers, load) * seconds / (servers - load) * (1 + variation**2) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demands", type=Path, default=ROOT / "bench" / "results" / "scale.json")
    measured = json.loads(parser.parse_args().demands.read_text())
    print(table([Demand(part, seconds) for part, seconds in measured["demands"].items()]))


def table(demands: list[Demand]) -> str:
    """Cores of each part, for each rate."""
    head = "| part | ms of a core, a photo | " + " | ".join(f"cores at {rate:,}/s" for rate in RATES) + " |"
    lines = [head, "|---|---|" + "---|" * len(RATES)]
    for demand in sorted(demands, key=lambda demand: -demand.seconds):
        cores = " | ".join(f"{cores_for(rate, demand.seconds):,}" for rate in RATES)
        lines.append(f"| {demand.part} | {demand.seconds * 1000:.1f} | {cores} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
