"""Rows to lock, so that uploads of one user are stored one by one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    gates = op.create_table(
        "upload_gates",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_upload_gates")),
    )
    op.bulk_insert(gates, [{"number": number} for number in range(64)])
