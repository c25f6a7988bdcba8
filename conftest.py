"""Options and markers of all suites; the backends are fixtures of `tests/support/backends.py`."""

from pathlib import Path

import pytest

pytest_plugins = ["support.backends"]

ROOT = Path(__file__).parent
STARTING = {
    "mesh",
    "server",
    "shared_mesh",
    "gateway",
    "envoy",
    "start_backend",
    "make_workbench",
    "picture_sandbox",
    "vision",
    "pipeline",
    "workbench",
}
"""Fixtures that start a server or a process, or load the models."""
COMMANDS = ("test_photo", "test_photo_templates", "test_upstreams", "test_progress_contract")
"""Modules of tests that start processes by themselves, or wait on purpose."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--backend`."""
    parser.addoption(
        "--backend", choices=("embedded", "real"), default="embedded", help="backends of the services under test"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the unit tests; with `--backend real`, deselect tests that would run on SQLite a second time."""
    for item in items:
        starts = STARTING & set(getattr(item, "fixturenames", ())) or item.path.stem in COMMANDS
        if not starts and not item.get_closest_marker("real"):
            item.add_marker("unit")
    if config.getoption("--backend") == "real":
        left_out = [item for item in items if item.path.is_relative_to(ROOT / "services") and not runs_a_service(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def runs_a_service(item: pytest.Item) -> bool:
    """Return whether a test starts a service."""
    return "mesh" in getattr(item, "fixturenames", ())
