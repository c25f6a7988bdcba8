from igemoji_inference.store import metadata
from igemoji_mesh.migrations import run

run(metadata)
