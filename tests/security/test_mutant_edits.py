"""Edits of mutants: each changes one thing inside its symbol and nothing else, whatever the layout of the source."""

import textwrap
from pathlib import Path

import pytest

from .mutants import StaleMutant, python_source, token_source, tree
from .mutants.edits import Body, Edit, Entry, First, Replace, Value, Without

SOURCE = '''\
"""Größe: characters of several bytes before and in the lines that are edited. 이모지"""
LIMIT = 40  # Comment that stays.
NAMES: tuple[str, ...] = ("ä", "ö")


class Door:
    """Docstring."""

    size = LIMIT

    async def open(self, user, key):
        """Docstring."""
        if key is None or user.id != self.owner:
            raise Closed(
                "für dich"  # Why.
            ) from None
        await self.log.write("é", user)
        return call(first(user), "ü", *rest(), limit=LIMIT, options={"a": 1, KEYS.b: [one(), two()]})


def outer(data):
    def inner():
        return 1

    return inner() + 1


def other(data):
    raise Closed
'''


@pytest.mark.parametrize(
    ("symbol", "edit", "old", "new"),
    [
        pytest.param("LIMIT", Value("OLD * 2"), "LIMIT = 40", "LIMIT = ((40) * 2)", id="value"),
        pytest.param("NAMES", Value("()"), '= ("ä", "ö")', "= (())", id="value with a type"),
        pytest.param("Door.size", Value("1"), "size = LIMIT", "size = (1)", id="value of a class"),
        pytest.param("outer.inner", Body("return 2"), "return 1\n", "return 2\n", id="body of a nested function"),
        pytest.param("other", Body("a = 1\nreturn a"), "raise Closed\n", "a = 1\n    return a\n", id="body"),
        pytest.param("other", First("return"), "raise Closed\n", "return\n    raise Closed\n", id="first"),
        pytest.param(
            "Door.open", First("return"), "        if key", "        return\n        if key", id="first after docstring"
        ),
        pytest.param("Door.open", Entry("limit", "1"), "limit=LIMIT", "limit=(1)", id="keyword argument"),
        pytest.param("Door.open", Entry("limit"), "limit=LIMIT", "**{}", id="no keyword argument"),
        pytest.param("Door.open", Entry("a", "OLD + 1"), '"a": 1', '"a": ((1) + 1)', id="dictionary entry"),
        pytest.param("Door.open", Entry("a"), '"a": 1', "**{}", id="no dictionary entry"),
        pytest.param("Door.open", Entry("b", "2"), "[one(), two()]", "(2)", id="entry of a constant"),
        pytest.param("Door.open", Replace("_.id != _", "False"), "user.id != self.owner", "(False)", id="expression"),
        pytest.param("Door.open", Replace("first(*_)", "OLD"), "first(user)", "((first(user)))", id="old code"),
        pytest.param("other", Replace("raise Closed(*_)", "return 1"), "raise Closed\n", "return 1\n", id="statement"),
        pytest.param(
            "Door.open",
            Replace("self.log.write('é', _)", "OLD\nraise"),
            'await self.log.write("é", user)',
            'await self.log.write("é", user)\n        raise',
            id="statements for an awaited one",
        ),
        pytest.param(
            "Door.open",
            Without("raise Closed(*_)"),
            'raise Closed(\n                "für dich"  # Why.\n            ) from None',
            "pass",
            id="no statement",
        ),
        pytest.param(
            "Door.open", Without("self.log.write(*_)"), 'await self.log.write("é", user)', "pass", id="no call"
        ),
        pytest.param("Door.open", Without("two()"), "two()", "*()", id="no element"),
        pytest.param("Door.open", Without("*rest(*_)"), "*rest()", "*()", id="no argument"),
    ],
)
def test_python_edit_changes_one_place(symbol: str, edit: Edit, old: str, new: str) -> None:
    mutated = python_source.edited(SOURCE, symbol, edit)
    assert mutated == SOURCE.replace(old, new, 1)
    compile(mutated, "mutated.py", "exec")


def test_layout_quotes_and_comments_of_python_do_not_matter() -> None:
    source = "def f(x):\n    # Why.\n    return g(\n        'a',  # More.\n        {  'b' : x },\n    )\n"
    assert python_source.edited(source, "f", Replace('g("a", {"b": x})', "None")).endswith("    return (None)\n")


@pytest.mark.parametrize(
    ("symbol", "edit"),
    [
        pytest.param("MISSING", Value("1"), id="missing variable"),
        pytest.param("Door.close", Body("pass"), id="missing method"),
        pytest.param("Door.open", Value("1"), id="function without a value"),
        pytest.param("LIMIT", Body("pass"), id="variable without a body"),
        pytest.param("Door.open", Entry("missing"), id="missing entry"),
        pytest.param("Door.open", Replace("user", "None"), id="expression that occurs more than once"),
        pytest.param("other", Without("call(*_)"), id="call outside of the symbol"),
        pytest.param("Door.open", Without("call(first(_), _)"), id="call with other arguments"),
    ],
)
def test_impossible_python_edit_is_stale(symbol: str, edit: Edit) -> None:
    with pytest.raises(StaleMutant):
        python_source.edited(SOURCE, symbol, edit)


LUA = """\
-- function on_request(handle) of a comment
local function helper(x)
  return check(x)
end

function on_request(handle)
  if string.find(handle:get("a") or "", "[^%w]") then -- refused
    handle:respond( "no" )
    return
  end
  helper(x)
end
"""


@pytest.mark.parametrize(
    ("symbol", "edit", "old", "new"),
    [
        pytest.param(
            "on_request",
            Replace("if string.find(*_) then", "if false then"),
            'if string.find(handle:get("a") or "", "[^%w]") then',
            "if false then",
            id="condition",
        ),
        pytest.param("on_request", Without('handle : respond("no")'), 'handle:respond( "no" )', "", id="no call"),
        pytest.param("helper", Replace("check(_)", "true"), "check(x)", "true", id="local function"),
    ],
)
def test_lua_edit_changes_one_place(symbol: str, edit: Edit, old: str, new: str) -> None:
    assert token_source.edited(LUA, symbol, edit, token_source.LUA) == LUA.replace(old, new)


@pytest.mark.parametrize(
    ("symbol", "edit"),
    [
        pytest.param("missing", Without("x"), id="missing function"),
        pytest.param("helper", Without("handle"), id="code of another function"),
        pytest.param("on_request", Without("refused"), id="comment"),
        pytest.param("on_request", Without("handle"), id="code that occurs more than once"),
        pytest.param("on_request", Without("helper(*_]"), id="code that does not end"),
        pytest.param("helper", Body("pass"), id="edit for Python"),
    ],
)
def test_impossible_lua_edit_is_stale(symbol: str, edit: Edit) -> None:
    with pytest.raises(StaleMutant):
        token_source.edited(LUA, symbol, edit, token_source.LUA)


def test_make_edit_changes_the_recipe_of_its_target() -> None:
    source = "$(A): b\n\t@run --safe x\n\nb:\n\trun --safe y\n"
    mutated = token_source.edited(source, "$(A)", Without("--safe"), token_source.MAKE)
    assert mutated == source.replace("run --safe x", "run  x")


def test_files_are_found_in_any_folder(tmp_path: Path) -> None:
    for name in ("libs/a/src/pack/part/one.py", "libs/a/src/pack/__init__.py", "services/b/src/other/gateway.lua"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("class Class:\n    def gone(self): ...\n\ndef elsewhere(): ...\n")
    assert tree.source_file(tmp_path, "pack.part.one").name == "one.py"
    assert tree.source_file(tmp_path, "pack").name == "__init__.py"
    assert tree.source_file(tmp_path, "gateway.lua") == tmp_path / "services/b/src/other/gateway.lua"
    assert tree.source_file(tmp_path, "part/one.py").name == "one.py"
    assert tree.defining_files(tmp_path, "Class.gone") == ["libs/a/src/pack/__init__.py", "libs/a/src/pack/part/one.py"]
    with pytest.raises(StaleMutant):
        tree.source_file(tmp_path, "pack.part.two")


def test_tests_are_found_by_name(tmp_path: Path) -> None:
    test = textwrap.dedent("""\
        async def test_one(): ...
        def test_{0}(): ...
    """)
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(test.format(name[5]))
    assert tree.id_of_test(tmp_path, "test_a[x y]") == "test_a.py::test_a[x y]"
    assert tree.id_of_test(tmp_path, "test_b.py::test_one") == "test_b.py::test_one"
    for name in ("test_one", "test_missing"):
        with pytest.raises(StaleMutant):
            tree.id_of_test(tmp_path, name)
