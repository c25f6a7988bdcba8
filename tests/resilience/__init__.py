"""Tests that harm a mesh under load: nothing accepted is lost, doubled or mixed up."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.invariants")
