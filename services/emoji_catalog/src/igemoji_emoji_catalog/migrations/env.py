from igemoji_emoji_catalog.tables import metadata
from igemoji_mesh.migrations import run

run(metadata)
