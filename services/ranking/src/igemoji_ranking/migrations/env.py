from igemoji_mesh.migrations import run
from igemoji_ranking.store import metadata

run(metadata)
