"""Origin of outbox deliveries: request id and trace of the call."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for name in ("request_id", "traceparent"):
        op.add_column("outbox", sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
