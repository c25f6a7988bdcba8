"""Names of indexes and constraints, by the same rule in every service."""

import sqlalchemy as sa


def new_metadata() -> sa.MetaData:
    """Return metadata whose indexes and constraints are named by table and columns."""
    return sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
