"""Fuzzers with coverage, for a short while each; `make fuzz MINUTES=60` goes on for as long as one likes."""

import base64
import importlib.util
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from fuzz.fuzz import Outcome, fuzz
from fuzz.targets import TARGETS

from .attack_report import Tally

SECONDS = 6
AT_ONCE = 2
"""Each keeps a core busy, and takes longer to start than it fuzzes."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(fuzz, name, tmp_path_factory.mktemp(name), SECONDS) for name in TARGETS}


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine")
@pytest.mark.parametrize("name", TARGETS)
def test_fuzzers_find_no_fault(name: str, outcomes: dict[str, Future[Outcome]], tally: Tally) -> None:
    outcome = outcomes[name].result()
    tally.count(outcome.tried, outcome.tried - len(outcome.found))
    inputs = {path.name: base64.b64encode(path.read_bytes()).decode() for path in outcome.found}
    assert not inputs, f"{inputs}\n{outcome.said[-3000:]}\nKeep it in tests/fuzz/found/{name}/ when it is mended."
    assert outcome.tried > 100, outcome.said[-3000:]
    tally.survive()
