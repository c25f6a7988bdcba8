"""Report of the load benchmark: Markdown and plots. Sections of scenarios that were not run are kept."""

import os
import re
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.load.baseline import CALLERS, Rate
from bench.load.generator import EVERY_STEP
from bench.load.scenarios import MAX_P95_MS, MAX_SLOW_P95_MS, Overload, Soak, Step, reads, summarize_all, sustainable
from bench.load.summary import by_second, summarize
from bench.load.watchers import WATCHERS_PER_TASK, WatchResult
from bench.soak.process_stats import draw, table

HEAD = """# Load

Made by `make bench-load`: a mesh on a machine with two cores, which it shares with the load generator. Of 200 requests
195 are reads (lists, rankings, templates, pictures), two are logins and three upload a photo; half of the tasks are
watched. The load is open-loop: requests are sent at random times (a Poisson process), independent of answers. Times
exclude the delay of the generator, which is reported separately.
"""
BASELINE, RAMP, OVERLOAD, WATCHERS, SOAK = "Baseline", "Ramp to saturation", "Overload", "Watchers", "Soak"
ORDER = (BASELINE, RAMP, OVERLOAD, WATCHERS, SOAK)


@dataclass(frozen=True)
class Section:
    title: str
    lines: Sequence[str]
    met: bool


class Report:
    def __init__(self, results: Path) -> None:
        self._results = results
        self._path = results / "load.md"
        self._sections = _read(self._path)
        self._failed: list[str] = []
        self.steps: list[Step] = []
        self.overload: Overload | None = None
        self.soak: Soak | None = None

    @property
    def met(self) -> bool:
        return not self._failed

    def add(self, section: Section) -> None:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        stamp = f"({when} UTC, load average at the end: {os.getloadavg()[0]:.1f}.)"
        self._sections[section.title] = "\n".join([*section.lines, "", stamp])
        if not section.met:
            self._failed.append(section.title)

    def write(self) -> str:
        """Write the files and return the Markdown."""
        parts = [f"## {title}\n\n{self._sections[title]}\n" for title in ORDER if title in self._sections]
        text = "\n".join([HEAD, *parts])
        self._results.mkdir(parents=True, exist_ok=True)
        self._path.write_text(text, encoding="utf-8")
        if self.steps:
            _plot_ramp(self.steps, self._results / "load.png")
        if self.overload:
            _plot_overload(self.overload, self._results / "load-overload.png")
        if self.soak:
            _plot_soak(self.soak, self._results / "load-soak.png")
        return text


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found = re.split(r"^## (.+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {title: body.strip() for title, body in zip(found[::2], found[1::2], strict=True)}


def baseline_section(bare: Rate, mesh: Rate) -> Section:
    lines = [
        _prose(
            f"The same list of templates by gRPC, {CALLERS} concurrent callers: a bare grpc.aio service that answers",
            "with the same bytes, and the mesh through its gateway, with mutual TLS, limits, logs and a database.",
        ),
        "",
        "| | calls/s | p95, ms |",
        "|---|---|---|",
        f"| bare grpc.aio | {bare.per_second:.0f} | {bare.p95_ms:.1f} |",
        f"| mesh | {mesh.per_second:.0f} | {mesh.p95_ms:.1f} |",
        f"| **ratio** | {mesh.per_second / bare.per_second:.2f} | {mesh.p95_ms / bare.p95_ms:.1f} |",
    ]
    return Section(BASELINE, lines, met=True)


def ramp_section(steps: list[Step]) -> Section:
    rate = sustainable(steps)
    lines = [
        "![Rates and times](load.png)",
        "",
        _prose(
            f"**{rate:.0f} requests per second** are sustainable: the last step in which 95 % of the reads were",
            f"answered within {MAX_P95_MS} ms, 95 % of the logins and uploads within {MAX_SLOW_P95_MS / 1000:.0f} s,",
            "and no request was refused.",
        ),
        "",
        "| requests/s | answered | refused | not sent | failed | reads p50, ms | reads p95, ms | logins p95, ms "
        "| uploads p95, ms | generator delay p95, ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for step in steps:
        login, upload = (summarize([step.outcome.calls[kind]]) for kind in ("login", "upload"))
        lines.append(
            f"| {step.rate:.0f} | {step.all.admitted} | {step.all.refused} | {step.outcome.unsent.total()} "
            f"| {sum(step.all.wrong.values())} | {step.reads.p50:.0f} | {step.reads.p95:.0f} | {login.p95:.0f} "
            f"| {upload.p95:.0f} | {step.all.late_p95:.0f} |"
        )
    return Section(RAMP, lines, met=any(step.met for step in steps))


def overload_section(found: Overload) -> Section:
    during, admitted = summarize_all(found.during), summarize(reads(found.during))
    unsent = found.during.unsent.total()
    offered = during.sent + unsent - len(found.during.calls["watch"].status)
    lines = [
        "![Reads by second](load-overload.png)",
        "",
        _prose(
            f"Ten times the sustainable rate: {found.rate:.0f} requests per second for {found.seconds:.0f} s.",
            f"{offered} requests were due; {unsent} of them were not sent, for lack of a free connection. The",
            f"generator used {found.during.cpu_seconds / found.seconds:.2f} of a core; its delay was",
            f"{during.late_p95:.0f} ms (p95).",
        ),
        "",
        "| | sent | answered | p50, ms | p95, ms | refused | refused p95, ms | refused p99, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, part in [("all reads", admitted)] + [(kind, summarize([c])) for kind, c in found.during.calls.items()]:
        lines.append(
            f"| {name} | {part.sent} | {part.admitted} | {part.p50:.0f} | {part.p95:.0f} | {part.refused} "
            f"| {part.refused_p95:.0f} | {part.refused_p99:.0f} |"
        )
    requirements = found.requirements()
    lines += ["", "| requirement | met |", "|---|---|"]
    lines += [f"| {requirement} | {'yes' if met else '**no**'} |" for requirement, met in requirements.items()]
    return Section(OVERLOAD, lines, met=all(requirements.values()))


def watchers_section(found: WatchResult) -> Section:
    ended = ", ".join(f"{count} {how}" for how, count in found.ended.most_common())
    lines = [
        _prose(
            f"{found.target} concurrent watchers on one inference replica, {WATCHERS_PER_TASK} per task:",
            f"{found.connected} got their first step while the workers were stopped; then, in",
            f"{found.seconds:.1f} s: {ended}.",
        ),
        "",
        _prose(
            f"A watcher costs {found.kib['inference']:.0f} KiB in the service, {found.kib['gateway']:.0f} KiB in the",
            f"gateway and {found.statements:.1f} SQL statements from its first step to its last, including those of",
            "its task. A user may watch 20 tasks at a time on a replica (`MAX_WATCHED`); a replica serves 2,000",
            "streams (`MAX_STREAMS`).",
        ),
    ]
    return Section(WATCHERS, lines, met=found.met)


def soak_section(found: Soak) -> Section:
    calls, watchers = summarize_all(found.outcome), found.outcome.watchers
    rows, flat = table(found.stats)
    ended = ", ".join(f"{count} {how}" for how, count in found.ended.most_common())
    lines = [
        "![Memory, open files and threads of each process](load-soak.png)",
        "",
        _prose(
            f"{found.rate:.0f} requests per second for {found.seconds / 60:.0f} minutes: {calls.admitted} answered,",
            f"{calls.refused} refused, {found.outcome.unsent.total()} not sent, {sum(calls.wrong.values())} failed;",
            f"p95 of the reads {summarize(reads(found.outcome)).p95:.0f} ms. Tasks: {ended or 'none'}.",
            f"{watchers[EVERY_STEP]} of {watchers.total()} watchers {EVERY_STEP}. The table has medians of the second",
            "and the last quarter of the time.",
        ),
        "",
        *rows,
    ]
    return Section(SOAK, lines, met=flat and found.met)


def _prose(*parts: str) -> str:
    return textwrap.fill(" ".join(parts), width=115)


def _plot_ramp(steps: list[Step], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    axis = figure.subplots()
    rates = [step.rate for step in steps]
    axis.plot(rates, [step.reads.p50 for step in steps], "o-", label="reads p50")
    axis.plot(rates, [step.reads.p95 for step in steps], "o-", label="reads p95")
    axis.axhline(MAX_P95_MS, color="gray", linestyle=":", linewidth=1)
    axis.set(xlabel="requests per second", ylabel="ms")
    _finish(axis)
    figure.savefig(path, dpi=110)


def _plot_overload(found: Overload, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    first, second = figure.subplots(2, 1, sharex=True)
    seconds, p95, admitted, refused = by_second(reads(found.during))
    first.plot(seconds, p95, label="admitted reads p95")
    first.axhline(MAX_P95_MS, color="gray", linestyle=":", linewidth=1)
    first.set(ylabel="ms", title=f"{found.rate:.0f} requests per second")
    second.stackplot(seconds, admitted, refused, labels=["answered", "refused"])
    second.set(xlabel="seconds", ylabel="reads per second")
    for axis in (first, second):
        _finish(axis)
    figure.savefig(path, dpi=110)


def _finish(axis: Any) -> None:
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)


def _plot_soak(found: Soak, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    draw(found.stats, figure.subplots(3, 1, sharex=True))
    figure.savefig(path, dpi=110)
