"""Which call an outgoing one came from: its request id and its trace, which go on with it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("request_id", "traceparent"):
        op.add_column("outbox", sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
