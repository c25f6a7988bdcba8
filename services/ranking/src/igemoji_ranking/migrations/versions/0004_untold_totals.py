"""Create the totals that are not published to the catalog yet: at first, all."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "untold_totals",
        sa.Column("emoji_id", sa.String(36), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("emoji_id", name="pk_untold_totals"),
    )
    op.execute("INSERT INTO untold_totals (emoji_id, uses) SELECT emoji_id, uses FROM totals")
