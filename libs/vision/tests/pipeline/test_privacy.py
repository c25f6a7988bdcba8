"""What looks at photos tells nobody."""

import subprocess
import sys
from pathlib import Path

MODELS = Path(__file__).parents[4] / "assets" / "build" / "models"

LOADED = "from pathlib import Path; from igemoji_vision.pipeline import Pipeline; Pipeline(Path({!r}))"


def test_the_runtime_makes_no_id_of_the_machine_and_no_list_of_events_to_send(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", LOADED.format(str(MODELS))], env={"HOME": str(tmp_path)}, check=True, timeout=60
    )
    assert list(tmp_path.rglob("*")) == []
