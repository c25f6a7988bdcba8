"""How long the stages of a task take: in metrics, and as spans of its trace. Each ends when the next begins."""

import time

from igemoji_mesh.observability.metrics import histogram
from igemoji_mesh.observability.tracing import Steps

STAGE_SECONDS = histogram("igemoji_inference_stage_seconds")


class Stages:
    """Of one task. `begin` at each of its stages, `end` after the last."""

    def __init__(self) -> None:
        self._spans = Steps()
        self._stage = ""
        self._began_at = 0.0

    def begin(self, stage: str) -> None:
        if stage != self._stage:
            self.end()
            self._stage, self._began_at = stage, time.perf_counter()
            self._spans.begin(stage.lower())

    def end(self) -> None:
        if self._stage:
            STAGE_SECONDS.labels(self._stage.lower()).observe(time.perf_counter() - self._began_at)
            self._stage = ""
        self._spans.end()
