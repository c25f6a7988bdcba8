"""Store the request id and the trace of the call that wrote a row of the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("request_id", "traceparent"):
        op.add_column("outbox", sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
