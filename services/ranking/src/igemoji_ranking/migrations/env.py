from igemoji_mesh.migrations import run
from igemoji_ranking.tables import metadata

run(metadata)
