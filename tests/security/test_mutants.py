"""Every mutant of `make test-trust-mutants` can still be made, its test exists, and the README names it."""

import ast
from pathlib import Path

import pytest

from .mutants import MUTANTS, Mutant, StaleMutant
from .mutants.edits import Body

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.defense))
def test_mutant_can_be_made_and_its_test_exists(mutant: Mutant) -> None:
    path = mutant.path(ROOT)
    mutated = mutant.mutated(ROOT)
    if path.suffix == ".py":
        compile(mutated, path, "exec")
        assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(path.read_text()))
    assert mutated != path.read_text()
    assert (ROOT / mutant.test_id(ROOT).partition("::")[0]).is_file()


def test_mutant_of_a_missing_symbol_is_stale_and_names_where_it_is() -> None:
    with pytest.raises(StaleMutant, match=r"defined 0 times.*igemoji_mesh/.*tokens\.py\.$"):
        Mutant("defense", "igemoji_mesh.settings:TokenVerifier", Body("pass"), "test").mutated(ROOT)
    with pytest.raises(StaleMutant, match="0 files"):
        Mutant("defense", "igemoji_mesh.no_such_module:TokenVerifier", Body("pass"), "test").mutated(ROOT)


def test_readme_lists_every_mutant() -> None:
    text = (Path(__file__).parent / "README.md").read_text()
    rows = [row for row in text.partition("\n|---|---|\n")[2].splitlines() if row.startswith("|")]
    listed = [defense.strip() for row in rows for defense in row.split("|")[2].split("<br>")]
    assert sorted(listed) == sorted(mutant.defense for mutant in MUTANTS)


def test_mutants_have_unique_names() -> None:
    assert len({mutant.defense for mutant in MUTANTS}) == len(MUTANTS)
