"""Plain words: the idiom that strangers stumble over, British spelling and fragments as docstrings stay out."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = (".py", ".md", ".proto", ".lua", ".ts", ".tsx", ".mjs", ".yaml", ".sh")
SKIPPED = ("docs/glossary.md", "docs/renames.md", "tests/docs/test_plain_words.py")

IDIOM = re.compile(
    r"\b(whoever|anew|meanwhile|so many|so long as|goes on|let in|stands? (before|back|aside)|what (lies|stands|comes)"
    r"|who (has|takes|asks|comes|waits)|(is|are|was|were) told|what is (told|kept)|once more|of all of)\b",
    re.IGNORECASE,
)
BRITISH = re.compile(
    r"\b\w*(catalogue|favourite|colour|behaviour|centre|grey|normalis|recognis|organis|minimis|maximis|neighbour)\w*",
    re.IGNORECASE,
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FRAGMENT = re.compile(r"(What|Where|Of|Whether|Who|How|Whose)\b")


def texts() -> list[Path]:
    """Return the files of the project that people read."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    return [ROOT / name for name in names if name.endswith(READ) and name not in SKIPPED and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [IDIOM, BRITISH], ids=["idiom", "British spelling"])
def test_texts_use_plain_american_words(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := pattern.search(line.replace("_", " ") if "def test" in line else line))
    ]
    assert not found, "\n".join(found)


def test_docstrings_are_no_fragments() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text.splitlines()[0]}"
        for path in texts()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, DOCUMENTED) and FRAGMENT.match(text := ast.get_docstring(node) or "")
    ]
    assert not found, "\n".join(sorted(found))
