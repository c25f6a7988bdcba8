"""Replace login tries by tries of any kind; those in the last minutes are dropped."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.drop_table("login_tries")
    op.create_table(
        "tries",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tries"),
    )
    op.create_index("ix_tries_bucket", "tries", ["bucket"])
    op.create_index("ix_tries_expires_at", "tries", ["expires_at"])
