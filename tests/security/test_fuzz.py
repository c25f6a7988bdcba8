"""Coverage-guided fuzzing for a few seconds per target; `make fuzz MINUTES=60` runs longer."""

import base64
import importlib.util
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from fuzz.fuzz import Outcome, fuzz
from fuzz.targets import TARGETS

from .attack_report import Attacks

SECONDS = 6
CONCURRENCY = 2
"""Each fuzzer keeps a core busy, and takes longer to start than to fuzz."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        yield {name: pool.submit(fuzz, name, tmp_path_factory.mktemp(name), SECONDS) for name in TARGETS}


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine")
@pytest.mark.parametrize("name", TARGETS)
def test_fuzzers_find_no_fault(name: str, outcomes: dict[str, Future[Outcome]], attacks: Attacks) -> None:
    outcome = outcomes[name].result()
    attacks.count(outcome.tried, outcome.tried - len(outcome.found))
    inputs = {path.name: base64.b64encode(path.read_bytes()).decode() for path in outcome.found}
    assert not inputs, (
        f"{inputs}\n{outcome.output[-3000:]}\nAfter fixing it, keep the input in tests/fuzz/found/{name}/."
    )
    assert outcome.tried > 100, outcome.output[-3000:]
    attacks.survive()
