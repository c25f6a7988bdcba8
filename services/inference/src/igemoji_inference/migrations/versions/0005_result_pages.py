"""Index from which pages of results are selected and counted."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    columns = ["user_id", "created_at", "id", "result_key"]
    op.create_index("ix_tasks_user_id_created_at_id_result_key", "tasks", columns)
    op.drop_index("ix_tasks_user_id_created_at_id", "tasks")
