from igemoji_auth.tables import metadata
from igemoji_mesh.migrations import run

run(metadata)
