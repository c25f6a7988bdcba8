"""Tests of the whole API through a live mesh: access, documents, limits and races."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.calls", f"{__name__}.actors")
