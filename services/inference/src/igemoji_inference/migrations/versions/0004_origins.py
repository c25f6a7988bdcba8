"""Request id and trace of the call that a task or a delivery came from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table in ("tasks", "outbox", "queue_outbox"):
        for name in ("request_id", "traceparent"):
            op.add_column(table, sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
