"""Errors of the ranking service. A class name is the reason that clients see: NAMES_UNAVAILABLE."""

from igemoji_mesh.errors import Unavailable


class NamesUnavailable(Unavailable):
    """The catalog does not answer, and no template is cached."""

    def __init__(self) -> None:
        super().__init__("The ranking is not available. Try again in a moment.", retry_after_seconds=2)
