from igemoji_auth.store import metadata
from igemoji_mesh.migrations import run

run(metadata)
