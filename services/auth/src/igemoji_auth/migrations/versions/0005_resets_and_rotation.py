"""Create password resets; publish signing keys before they sign."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_password_resets"),
    )
    for column in ("user_id", "expires_at"):
        op.create_index(f"ix_password_resets_{column}", "password_resets", [column])
    op.add_column("signing_keys", sa.Column("signs_from", UtcDateTime))
    keys = sa.table("signing_keys", sa.column("created_at"), sa.column("signs_from"))
    op.execute(keys.update().values(signs_from=keys.c.created_at))
    with op.batch_alter_table("signing_keys") as table:
        table.alter_column("signs_from", existing_type=UtcDateTime(), nullable=False)
