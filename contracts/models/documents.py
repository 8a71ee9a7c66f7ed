"""Documents, kept byte for byte and known by their hash."""

from __future__ import annotations

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, deferred, mapped_column

from contracts.models.base import Base, Fact


class Document(Fact, Base):
    """A file as it came in; ``sha256`` is 64 hex digits over exactly these bytes."""

    __tablename__ = "documents"
    sha256: Mapped[str] = mapped_column(unique=True)
    filename: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))
