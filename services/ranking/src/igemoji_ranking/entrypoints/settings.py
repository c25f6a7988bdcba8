"""What the ranking service can be told, beyond what every service can."""

from igemoji_mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from environment variables (upper case)."""

    names_fresh_seconds: float = 5
    """How long names and pictures of templates are shown without asking the catalogue again."""
    tell_uses_seconds: float = 5
    """How often the catalogue is told of uses that are new to it."""
