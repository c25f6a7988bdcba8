"""Every mutant of `make test-trust-mutants` can still be made, its test is there, and the README names it."""

import re
from pathlib import Path

import pytest

from .mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.defence))
def test_a_defence_stands_where_its_mutant_looks_for_it(mutant: Mutant) -> None:
    assert (ROOT / mutant.path).read_text().count(mutant.old) == 1
    path, _, name = mutant.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text() or not name


def test_each_defence_of_the_readme_has_a_mutant_and_each_mutant_a_defence() -> None:
    text = (Path(__file__).parent / "README.md").read_text()
    rows = [row.split("|")[1:-1] for row in text.partition("\n|---|---|---|\n")[2].splitlines() if row.startswith("|")]
    named = [name for _, _, mutants in rows for name in re.findall(r"`([^`]+)`", mutants)]
    assert all("`" in mutants for _, _, mutants in rows)
    assert sorted(named) == sorted(mutant.defence for mutant in MUTANTS)
