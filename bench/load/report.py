"""The results as Markdown and as pictures. A part that was not measured this time stays as it was."""

import os
import re
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.load.figures import by_second, figures
from bench.load.generator import ALL
from bench.load.reference import AT_ONCE, Rate
from bench.load.stages import BEARABLE_MS, WANTED_P95_MS, Overload, Soak, Step, everything, reads, sustainable
from bench.load.watchers import PER_TASK, Watched
from bench.soak.samples import draw, table

HEAD = """# Load

Made by `make bench-load`: a mesh on one machine of two cores, which the generator of the load shares with it. Of a
hundred requests 97 read (lists, rankings, templates, pictures), one logs in, one or two upload a photo; half of the
photos are watched. Requests leave at random moments that do not depend on answers. Times are without the generator's
own delay, which is told apart.
"""
ORDER = ("A bare service", "Up to saturation", "Ten times as much", "Watchers", "A soak")


@dataclass(frozen=True)
class Section:
    title: str
    lines: Sequence[str]
    held: bool


class Report:
    def __init__(self, results: Path) -> None:
        self._results = results
        self._path = results / "load.md"
        self._sections = _read(self._path)
        self._broken: list[str] = []
        self.steps: list[Step] = []
        self.overload: Overload | None = None
        self.soak: Soak | None = None

    @property
    def held(self) -> bool:
        return not self._broken

    def add(self, section: Section) -> None:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        stamp = f"({when} UTC, load of the machine at the end {os.getloadavg()[0]:.1f}.)"
        self._sections[section.title] = "\n".join([*section.lines, "", stamp])
        if not section.held:
            self._broken.append(section.title)

    def write(self) -> str:
        """Returns the text."""
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


def of_reference(bare: Rate, mesh: Rate) -> Section:
    lines = [
        _prose(
            f"The same list of templates by gRPC, {AT_ONCE} callers: a bare grpc.aio service that answers the same",
            "bytes, and the mesh through its gateway, with TLS between its parts, limits, logs and a database.",
        ),
        "",
        "| | calls/s | 95 % within, ms |",
        "|---|---|---|",
        f"| bare grpc.aio | {bare.per_second:.0f} | {bare.p95_ms:.1f} |",
        f"| mesh | {mesh.per_second:.0f} | {mesh.p95_ms:.1f} |",
        f"| **ratio** | {mesh.per_second / bare.per_second:.2f} | {mesh.p95_ms / bare.p95_ms:.1f} |",
    ]
    return Section("A bare service", lines, held=True)


def of_ramp(steps: list[Step]) -> Section:
    rate = sustainable(steps)
    lines = [
        "![Rates and times](load.png)",
        "",
        _prose(
            f"**{rate:.0f} requests a second** are sustainable: the last step in which 95 % of the reads were answered",
            f"within {WANTED_P95_MS} ms, of log-ins and uploads within {BEARABLE_MS / 1000:.0f} s, and nothing was",
            "refused.",
        ),
        "",
        "| requests/s | answered | refused | not sent | wrong | reads 50 %, ms | 95 %, ms | log-ins 95 %, ms "
        "| uploads 95 %, ms | generator late 95 %, ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for step in steps:
        login, upload = (figures([step.outcome.calls[kind]]) for kind in ("login", "upload"))
        lines.append(
            f"| {step.rate:.0f} | {step.all.admitted} | {step.all.refused} | {step.outcome.unsent.total()} "
            f"| {sum(step.all.wrong.values())} | {step.reads.p50:.0f} | {step.reads.p95:.0f} | {login.p95:.0f} "
            f"| {upload.p95:.0f} | {step.all.late_p95:.0f} |"
        )
    return Section("Up to saturation", lines, held=any(step.held for step in steps))


def of_overload(found: Overload) -> Section:
    during, admitted = everything(found.during), figures(reads(found.during))
    unsent = found.during.unsent.total()
    offered = during.sent + unsent - len(found.during.calls["watch"].status)
    lines = [
        "![Reads by second](load-overload.png)",
        "",
        _prose(
            f"{found.rate:.0f} requests a second for {found.seconds:.0f} s: {offered} were due, of which the generator",
            f"could not send {unsent} for want of a free connection. It took",
            f"{found.during.cpu_seconds / found.seconds:.2f} of a core itself and was late by {during.late_p95:.0f} ms",
            "(95 %).",
        ),
        "",
        "| | sent | answered | 50 %, ms | 95 %, ms | refused | 95 %, ms | 99 %, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, part in [("all reads", admitted)] + [(kind, figures([c])) for kind, c in found.during.calls.items()]:
        lines.append(
            f"| {name} | {part.sent} | {part.admitted} | {part.p50:.0f} | {part.p95:.0f} | {part.refused} "
            f"| {part.refused_p95:.0f} | {part.refused_p99:.0f} |"
        )
    verdicts = found.verdicts()
    lines += ["", "| what must hold | held |", "|---|---|"]
    lines += [f"| {what} | {'yes' if held else '**no**'} |" for what, held in verdicts.items()]
    return Section("Ten times as much", lines, held=all(verdicts.values()))


def of_watchers(found: Watched) -> Section:
    ended = ", ".join(f"{count} {how}" for how, count in found.ended.most_common())
    lines = [
        _prose(
            f"{found.wanted} watched at once on one inference replica, {PER_TASK} each task: {found.at_once} had their",
            f"first step while no worker worked; then, in {found.seconds:.1f} s: {ended}.",
        ),
        "",
        _prose(
            f"One more watcher takes {found.kib['inference']:.0f} KiB of the service and",
            f"{found.kib['gateway']:.0f} KiB of the gateway, and {found.statements:.1f} statements of the database",
            "from its first step to its last, the work on its task among them. A user may watch 20 tasks at a time on",
            "a replica (`MAX_WATCHED`), a replica serves 2,000 streams (`MAX_STREAMS`).",
        ),
    ]
    return Section("Watchers", lines, held=found.held)


def of_soak(found: Soak) -> Section:
    calls, watchers = everything(found.outcome), found.outcome.watchers
    rows, flat = table(found.samples)
    ended = ", ".join(f"{count} {how}" for how, count in found.ended.most_common())
    lines = [
        "![Memory, open files and threads of each process](load-soak.png)",
        "",
        _prose(
            f"{found.rate:.0f} requests a second for {found.seconds / 60:.0f} minutes: {calls.admitted} answered,",
            f"{calls.refused} refused, {found.outcome.unsent.total()} not sent, {sum(calls.wrong.values())} wrong;",
            f"reads 95 % within {figures(reads(found.outcome)).p95:.0f} ms. Photos: {ended or 'none'}. Of",
            f"{watchers.total()} watchers {watchers[ALL]} {ALL}. Medians of the second and the last quarter.",
        ),
        "",
        *rows,
    ]
    return Section("A soak", lines, held=flat and found.whole)


def _prose(*parts: str) -> str:
    return textwrap.fill(" ".join(parts), width=115)


def _plot_ramp(steps: list[Step], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    axis = figure.subplots()
    rates = [step.rate for step in steps]
    axis.plot(rates, [step.reads.p50 for step in steps], "o-", label="half of the reads")
    axis.plot(rates, [step.reads.p95 for step in steps], "o-", label="95 % of the reads")
    axis.axhline(WANTED_P95_MS, color="grey", linestyle=":", linewidth=1)
    axis.set(xlabel="requests a second", ylabel="ms")
    _finish(axis)
    figure.savefig(path, dpi=110)


def _plot_overload(found: Overload, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    first, second = figure.subplots(2, 1, sharex=True)
    seconds, p95, admitted, refused = by_second(reads(found.during))
    first.plot(seconds, p95, label="95 % of admitted reads")
    first.axhline(WANTED_P95_MS, color="grey", linestyle=":", linewidth=1)
    first.set(ylabel="ms", title=f"{found.rate:.0f} requests a second")
    second.stackplot(seconds, admitted, refused, labels=["answered", "refused"])
    second.set(xlabel="seconds", ylabel="reads a second")
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
    draw(found.samples, figure.subplots(3, 1, sharex=True))
    figure.savefig(path, dpi=110)
