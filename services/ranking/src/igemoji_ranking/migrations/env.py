"""Alembic environment."""

from igemoji_mesh.db.migrations import run
from igemoji_ranking.adapters.db.tables import metadata

run(metadata)
