from igemoji_emoji_catalog.store import metadata
from igemoji_mesh.migrations import run

run(metadata)
