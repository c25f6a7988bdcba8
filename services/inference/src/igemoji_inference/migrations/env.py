from igemoji_inference.adapters.db.tasks import metadata
from igemoji_mesh.db.migrations import run

run(metadata)
