"""Program of a sandbox process: what the parent starts, as options on its command line."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from igemoji_vision.engines import EngineName
from igemoji_vision.sandbox.limits import Limits


@dataclass(frozen=True)
class Program:
    """Work of a sandbox process, and its limits."""

    limits: Limits
    models: Path | None = None
    """Folder of the models for photos; None: it takes pictures only."""
    engine: EngineName = EngineName.ONNX

    def arguments(self) -> list[str]:
        """Command line of the process."""
        return [sys.executable, "-m", "igemoji_vision.sandbox.main", json.dumps(asdict(self), default=str)]

    @classmethod
    def from_json(cls, text: str) -> "Program":
        """Program that `arguments` described."""
        options = json.loads(text)
        models = Path(options["models"]) if options["models"] else None
        return cls(Limits(**options["limits"]), models, EngineName(options["engine"]))
