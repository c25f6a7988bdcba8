"""Fuzzers with coverage, for a short while each; `make fuzz MINUTES=60` goes on for as long as one likes."""

import base64
import importlib.util

import pytest
from fuzz.fuzz import fuzz
from fuzz.targets import TARGETS

SECONDS = 6


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine")
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_is_taken_wrongly(name, tmp_path, tally):
    outcome = fuzz(name, tmp_path, SECONDS)
    tally.count(outcome.tried, outcome.tried - len(outcome.found))
    inputs = {path.name: base64.b64encode(path.read_bytes()).decode() for path in outcome.found}
    assert not inputs, f"{inputs}\n{outcome.said[-3000:]}\nKeep it in tests/fuzz/found/{name}/ when it is mended."
    assert outcome.tried > 100, outcome.said[-3000:]
    tally.survive()
