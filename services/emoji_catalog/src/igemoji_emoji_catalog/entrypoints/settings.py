"""What the emoji_catalog service can be told, beyond what every service can."""

from pathlib import Path

from igemoji_mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from environment variables (upper case)."""

    builtin_dir: Path | None = None
    """A folder with the built-in templates: `<slug>/{angry,…}.png`, `<slug>/template.json`. Not set: there are none."""
    picture_threads: int = 2
    """How many uploaded pictures are worked on at a time; each takes at most about 50 MiB of memory."""
    small_pictures_mib: int = 32
    """How much memory smaller copies of pictures may take, for lists and small screens."""


class CommandSettings(Settings):
    """The same for the commands of operators, which talk to nobody but the database."""

    tls_cert: Path = Path()
    tls_key: Path = Path()
    tls_ca: Path = Path()
