"""Client of bench/fer/server.py, which runs the fer package in its own environment."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

FER = Path(__file__).resolve().parents[1] / "fer"


class FerPackage:
    """Process of `bench/fer/server.py`. Ready when it is constructed."""

    def __init__(self) -> None:
        python = FER / ".venv" / "bin" / "python"
        if not python.exists():
            raise SystemExit("The fer package is not installed: run `uv sync --frozen --project bench/fer`.")
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [str(python), str(FER / "server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.versions: dict[str, str] = self._answer()["versions"]
        self.cold_start = time.perf_counter() - started

    def detect(self, detector: str, photo: Path, number: int = 0) -> dict[str, Any]:
        """Run a detector (`mtcnn` or `haar`) on a photo, or on photo `number` of an .npz; return what it answered."""
        assert self._process.stdin is not None
        call = {"detector": detector, "photo": str(photo), "number": number}
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The process of the fer package ended: see `bench/fer/README.md`.")
        answer: dict[str, Any] = json.loads(line)
        return answer
