"""Queueing model of the mesh: the cores that a rate of photos needs in each server, and the time of a photo.

    python bench/scale/model.py [--demands bench/results/scale.json]

Each server has a demand D: the seconds of one core that a photo costs there, measured by bench/scale/bench.py. By the
utilization law (Denning and Buzen, 1978), the utilization of a server with c cores at X photos per second is X·D/c, and
its maximum throughput c/D. The throughput of servers that share cores, for a number of users, follows from mean value
analysis (Reiser and Lavenberg, 1980; several cores as by Seidmann, Schweitzer and Shalev-Oren, 1987). The waiting time
is that of M/G/c by the approximation of Allen and Cunneen (Allen, Probability, Statistics, and Queueing Theory, 1990,
ch. 5): Erlang's C, times the mean of the squared coefficients of variation of interarrival and service times.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET_UTILIZATION = 0.7
"""Planned utilization of a server; the rest is reserve for bursts and for the loss of a replica."""
RATES = (1, 100, 10_000)


@dataclass(frozen=True)
class Demand:
    """Processor time of one photo in one server."""

    server: str
    seconds: float
    """Seconds of one core."""


def utilization(rate: float, seconds: float, cores: float) -> float:
    """Return the utilization of a server at `rate` photos per second."""
    return rate * seconds / cores


def max_throughput(demands: list[Demand], cores: float) -> float:
    """Return the photos per second of servers that share `cores`, when no core is idle."""
    return cores / sum(demand.seconds for demand in demands)


@dataclass(frozen=True)
class SinglePhoto:
    """Measured times of a photo in an idle mesh, in seconds."""

    processor: float
    """Processor time in all servers that share the cores."""
    response: float
    """Time from the upload to the last step as seen by the client."""
    worker: float
    """Time that it occupies a worker."""


def throughput(single: SinglePhoto, users: int, workers: int, cores: float) -> float:
    """Return the photos per second of users who always have one photo in progress each.

    Mean value analysis: the cores are the queue, all other waiting is a constant delay, and with one user more a photo
    finds the queue of one user less. A photo occupies its worker longer in proportion to its processor time under load;
    when all workers are busy, further users wait for a worker and not for the cores.
    """
    demand, delay = single.processor, max(0.0, single.response - single.processor)
    queue, best = 0.0, 0.0
    for count in range(1, users + 1):
        at_cores = demand / cores * (1 + queue) + demand * (cores - 1) / cores
        rate = count / (at_cores + delay)
        queue = rate * demand / cores * (1 + queue)
        occupied = single.worker * at_cores / demand
        best = max(best, min(rate, workers / occupied))
    return best


def cores_for(rate: float, seconds: float) -> int:
    """Return the cores that a server needs to stay within TARGET_UTILIZATION."""
    return max(1, math.ceil(rate * seconds / TARGET_UTILIZATION))


def erlang_c(servers: int, load: float) -> float:
    """Return the probability that a photo has to wait; `load` = arrival rate x service time, less than `servers`."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - (load / servers) * (1 - blocked))


def waiting_time(rate: float, seconds: float, servers: int, variation: float) -> float:
    """Return the mean seconds in the queue of M/G/c; `variation` is the coefficient of variation of service times."""
    load = rate * seconds
    if load >= servers:
        return math.inf
    return erlang_c(servers, load) * seconds / (servers - load) * (1 + variation**2) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demands", type=Path, default=ROOT / "bench" / "results" / "scale.json")
    measured = json.loads(parser.parse_args().demands.read_text())
    print(table([Demand(server, seconds) for server, seconds in measured["demands"].items()]))


def table(demands: list[Demand]) -> str:
    """Return a Markdown table of the cores of each server, for each rate."""
    head = "| server | ms of a core per photo | " + " | ".join(f"cores at {rate:,}/s" for rate in RATES) + " |"
    lines = [head, "|---|---|" + "---|" * len(RATES)]
    for demand in sorted(demands, key=lambda demand: -demand.seconds):
        cores = " | ".join(f"{cores_for(rate, demand.seconds):,}" for rate in RATES)
        lines.append(f"| {demand.server} | {demand.seconds * 1000:.1f} | {cores} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
