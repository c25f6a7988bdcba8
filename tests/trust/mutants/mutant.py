"""One defence, and how it is switched off."""

from dataclasses import dataclass

MESH = "libs/mesh/src/igemoji_mesh"
AUTH = "services/auth/src/igemoji_auth"
CATALOG = "services/emoji_catalog/src/igemoji_emoji_catalog"
GATEWAY = "services/gateway/src/igemoji_gateway"
INFERENCE = "services/inference/src/igemoji_inference"


@dataclass(frozen=True)
class Mutant:
    defence: str
    path: str
    old: str
    """Stands there once."""
    new: str
    """What stands there without the defence."""
    test: str
    """Fails then: a file, or one test of it. With parameters that have spaces as they are."""
