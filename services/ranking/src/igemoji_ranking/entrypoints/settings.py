"""Settings of the ranking service."""

from igemoji_mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the service, from environment variables (upper case)."""

    names_fresh_seconds: float = 5
    """How long names and pictures of templates are used from the cache."""
    tell_uses_seconds: float = 5
    """Interval at which changed use counts are published to the catalog."""
