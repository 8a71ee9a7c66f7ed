"""A document as people know it: a title, and versions whose bytes are known by their hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a titled document, numbered from 1."""

    number: int
    filename: str
    media_type: str
    size: int
    sha256: str
    note: str | None
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class FiledDocument:
    """A titled document with its versions, oldest first; ``trust`` is the one it belongs to, ``None`` is all."""

    id: int
    kind: str
    title: str
    subject: str
    trust: str | None
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """Give the newest version."""
        return self.versions[-1]
