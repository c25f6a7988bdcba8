"""Which call a task came from: its request id and its trace, which the work on it goes on with."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for name in ("request_id", "traceparent"):
        op.add_column("tasks", sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
