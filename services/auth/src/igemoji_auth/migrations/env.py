"""Alembic environment."""

from igemoji_auth.adapters.db.tables import metadata
from igemoji_mesh.db.migrations import run

run(metadata)
