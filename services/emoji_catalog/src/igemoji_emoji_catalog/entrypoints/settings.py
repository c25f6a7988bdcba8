"""Settings of the emoji_catalog service, besides those of every service."""

from pathlib import Path

from igemoji_mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings, from environment variables (upper case)."""

    builtin_dir: Path | None = None
    """Folder of the built-in templates: `<slug>/{angry,…}.png`, `<slug>/template.json`. Not set: none."""
    picture_threads: int = 2
    """Sandbox processes for pictures and thumbnails, started when needed; each takes at most about 120 MiB."""
    small_pictures_mib: int = 32
    """Memory for cached thumbnails, in MiB."""
