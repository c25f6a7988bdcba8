"""Checksums of originals and results; empty for objects that were stored before."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("photo_checksum", "result_checksum"):
        op.add_column("tasks", sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
