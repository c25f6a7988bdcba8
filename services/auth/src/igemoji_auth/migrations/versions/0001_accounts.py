"""Create accounts, login tries, signing keys, and the account that owns the built-in templates."""

import sqlalchemy as sa
from alembic import op

from igemoji_mesh.db.database import UtcDateTime, utc_now

revision = "0001"
down_revision = None

SYSTEM_ACCOUNT_ID = "00000000-0000-7000-8000-000000000001"


def upgrade() -> None:
    users = op.create_table(
        "users",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("email", sa.String(254)),
        sa.Column("email_key", sa.String(254)),
        sa.Column("alias", sa.String(20), nullable=False),
        sa.Column("alias_key", sa.String(20), nullable=False),
        sa.Column("password_hash", sa.String(60)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
        sa.UniqueConstraint("alias_key", name="uq_users_alias_key"),
    )
    op.create_table(
        "login_tries",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account_key", sa.String(64), nullable=False),
        sa.Column("tried_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_tries"),
    )
    op.create_index("ix_login_tries_account_key", "login_tries", ["account_key"])
    op.create_index("ix_login_tries_tried_at", "login_tries", ["tried_at"])
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(36), nullable=False),
        sa.Column("private_pem", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    # Without an address and a password: login is impossible, and the alias is taken.
    op.bulk_insert(
        users,
        [
            {
                "id": SYSTEM_ACCOUNT_ID,
                "email": None,
                "email_key": None,
                "alias": "igemoji",
                "alias_key": "igemoji",
                "password_hash": None,
                "role": "user",
                "created_at": utc_now(),
            }
        ],
    )
