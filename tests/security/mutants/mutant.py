"""Mutant: one defense, how it is switched off, and the test that must fail then."""

from dataclasses import dataclass
from pathlib import Path

from . import python_source, token_source, tree
from .edits import Edit, StaleMutant


@dataclass(frozen=True)
class Mutant:
    """One defense, pinned to the symbol that holds it, so that it survives edits of everything else."""

    defense: str
    symbol: str
    """`module:qualname`, such as `igemoji_mesh.auth.tokens:TokenVerifier.verify`; for Lua and Make `file:function` or
    `file:target`."""
    edits: Edit | tuple[Edit, ...]
    """Switch the defense off."""
    test: str
    """Fails then: `test_name`, `test_name[parameters]`, or with `test_file.py::` if the name is not unique."""

    def path(self, root: Path) -> Path:
        """Return the file of the symbol. Raises StaleMutant."""
        try:
            return tree.source_file(root, self._place)
        except StaleMutant as error:
            raise self._stale(root, error) from None

    def mutated(self, root: Path) -> str:
        """Return the file of the symbol without the defense. Raises StaleMutant."""
        path = self.path(root)
        text = original = path.read_text()
        try:
            for edit in self.edits if isinstance(self.edits, tuple) else (self.edits,):
                text = _edited(path, text, self._qualname, edit)
        except StaleMutant as error:
            raise self._stale(root, error) from None
        if text == original:
            raise self._stale(root, "the edit changes nothing")
        return text

    def test_id(self, root: Path) -> str:
        """Return the id by which pytest runs the test. Raises StaleMutant."""
        return tree.id_of_test(root, self.test)

    @property
    def _place(self) -> str:
        return self.symbol.rpartition(":")[0]

    @property
    def _qualname(self) -> str:
        return self.symbol.rpartition(":")[2]

    def _stale(self, root: Path, reason: object) -> StaleMutant:
        elsewhere = ", ".join(tree.defining_files(root, self._qualname)) or "nowhere"
        return StaleMutant(f"{self.symbol}: {reason}. The name is defined in: {elsewhere}.")


def _edited(path: Path, text: str, name: str, edit: Edit) -> str:
    if path.suffix == ".py":
        return python_source.edited(text, name, edit)
    language = token_source.LUA if path.suffix == ".lua" else token_source.MAKE
    return token_source.edited(text, name, edit, language)
