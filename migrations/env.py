"""Run migrations on the connection that the caller hands over (see `contracts.schema_versions`)."""

from __future__ import annotations

from alembic import context
from sqlalchemy.types import TypeDecorator

from billing.models import Base


def render_item(kind: str, item: object, _autogen_context: object) -> str | bool:
    """Write plain column types into migrations, so that they never import the app."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}" if hasattr(item, "impl_instance") else f"sa.{item.impl!r}"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
