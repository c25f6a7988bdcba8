"""Durations of the stages of a task, as metrics and as spans of its trace."""

import time

from igemoji_inference import metrics
from igemoji_mesh.observability.metrics import histogram
from igemoji_mesh.observability.tracing import Steps

STAGE_SECONDS = histogram(metrics.STAGE_SECONDS)


class StageTimer:
    """Timer of one task: a stage ends when the next one begins."""

    def __init__(self) -> None:
        self._spans = Steps()
        self._stage = ""
        self._began_at = 0.0

    def begin(self, stage: str) -> None:
        """Begin a stage, unless it is the current one."""
        if stage != self._stage:
            self.end()
            self._stage, self._began_at = stage, time.perf_counter()
            self._spans.begin(stage.lower())

    def end(self) -> None:
        """End the current stage."""
        if self._stage:
            STAGE_SECONDS.labels(self._stage.lower()).observe(time.perf_counter() - self._began_at)
            self._stage = ""
        self._spans.end()
