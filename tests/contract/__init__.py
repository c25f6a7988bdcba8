"""The whole API through a live mesh: who may call what, what the documents promise, every limit, every race."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.calls", f"{__name__}.world")
