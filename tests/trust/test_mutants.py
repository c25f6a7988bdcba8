"""Every mutant of `make test-trust-mutants` can still be made, and its test is there."""

from pathlib import Path

import pytest

from .mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.defence))
def test_a_defence_stands_where_its_mutant_looks_for_it(mutant: Mutant) -> None:
    assert (ROOT / mutant.path).read_text().count(mutant.old) == 1
    for test in mutant.test.split():
        path, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text() or not name
