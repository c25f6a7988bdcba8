"""Summary of calls: percentiles of the answered and of the refused ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.load.generator import Calls

REFUSALS = (429, 503)


@dataclass(frozen=True)
class Summary:
    """Counts and times of calls. Times are in milliseconds, NaN if there was no call."""

    sent: int
    admitted: int
    p50: float
    p95: float
    refused: int
    refused_p95: float
    refused_p99: float
    without_retry_after: int
    wrong: dict[int, int]
    """Calls that were neither answered nor refused, by status. 0: connection lost, -1: no answer in time."""
    late_p95: float
    """Delay of the generator itself, from when a request was due to when it was sent. The other times exclude it."""


def summarize(calls: Iterable[Calls]) -> Summary:
    groups = list(calls)
    status = np.array(_joined([call.status for call in groups]), int)
    took = np.array(_joined([call.took for call in groups])) * 1000
    retry_after = np.array(_joined([call.retry_after for call in groups]), bool)
    admitted, refused = (status >= 200) & (status < 300), np.isin(status, REFUSALS)
    wrong = status[~admitted & ~refused]
    return Summary(
        sent=len(status),
        admitted=int(admitted.sum()),
        p50=percentile(took[admitted], 50),
        p95=percentile(took[admitted], 95),
        refused=int(refused.sum()),
        refused_p95=percentile(took[refused], 95),
        refused_p99=percentile(took[refused], 99),
        without_retry_after=int((refused & ~retry_after).sum()),
        wrong={int(code): int((wrong == code).sum()) for code in np.unique(wrong)},
        late_p95=percentile(np.array(_joined([call.late for call in groups])) * 1000, 95),
    )


def percentile(values: np.ndarray, share: float) -> float:
    return float(np.percentile(values, share)) if len(values) else float("nan")


def by_second(calls: Iterable[Calls]) -> tuple[list[int], list[float], list[int], list[int]]:
    """Return for each second: (second, p95 of the admitted calls in ms, admitted, refused)."""
    groups = list(calls)
    at = np.array(_joined([call.at for call in groups]))
    took = np.array(_joined([call.took for call in groups])) * 1000
    status = np.array(_joined([call.status for call in groups]), int)
    rows = []
    for second in range(int(at.max()) + 1 if len(at) else 0):
        here = (at >= second) & (at < second + 1)
        good = here & (status >= 200) & (status < 300)
        rows.append(
            (second, percentile(took[good], 95), int(good.sum()), int((here & np.isin(status, REFUSALS)).sum()))
        )
    seconds, p95, admitted, refused = zip(*rows, strict=True) if rows else ((), (), (), ())
    return list(seconds), list(p95), list(admitted), list(refused)


def _joined(lists: Sequence[Sequence[float]]) -> list[float]:
    return [value for values in lists for value in values]
