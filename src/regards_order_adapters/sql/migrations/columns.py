"""Column types of migrations, which stay what they are whatever becomes of those of the code."""

import sqlalchemy as sa


def text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Return the type of a text that sorts by code points."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def prose() -> sa.types.TypeEngine[str]:
    """Return the type of a text of any length."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
