"""Print the lines of product Python at a commit and now, by package: code only, no docstrings, comments or blank lines.

usage: python tools/code_lines.py [COMMIT]
"""

import ast
import io
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = ("libs/", "services/", "stack/")
SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def main() -> None:
    """Compare the working tree with COMMIT (default: HEAD)."""
    commit = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    before, now = Counter[str](), Counter[str]()
    for name in filter(is_product, git("ls-tree", "-r", "--name-only", commit).splitlines()):
        before[package(name)] += code_lines(git("show", f"{commit}:{name}"))
    for name in filter(is_product, git("ls-files").splitlines()):
        if (ROOT / name).is_file():
            now[package(name)] += code_lines((ROOT / name).read_text(encoding="utf-8"))
    for name in sorted(before | now):
        print(f"{name:26}{before[name]:8}{now[name]:8}{now[name] - before[name]:+8}")
    print(f"{'all':26}{before.total():8}{now.total():8}{now.total() - before.total():+8}")


def git(*arguments: str) -> str:
    """Return what a git command prints."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def is_product(name: str) -> bool:
    """Return whether a path is Python that is shipped; migrations are history and are not counted."""
    return (
        name.startswith(PRODUCT)
        and name.endswith(".py")
        and "/tests/" not in name
        and "/migrations/versions/" not in name
    )


def package(name: str) -> str:
    """Return the folder of the package that a path belongs to."""
    return "/".join(name.split("/")[:2]) if not name.startswith("stack/") else "stack"


def code_lines(source: str) -> int:
    """Count the lines that hold code."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = {line for token in tokens if token.type not in SKIPPED for line in range(token.start[0], token.end[0] + 1)}
    return len(code - docstrings)


if __name__ == "__main__":
    main()
