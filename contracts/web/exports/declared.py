"""What a format of files says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contracts.terms.table import Table


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a table; the same table gives the same bytes, whenever and wherever it is written.

    ``suffix`` ends the address and the file's name, ``place`` orders the formats where they are offered, and ``label`` is what
    a page's button says (None where only programs ask for it).
    """

    suffix: str
    content_type: str
    label: str | None
    place: int
    write: Callable[[Table], bytes]

    @property
    def media_type(self) -> str:
        """Give the content's type without its parameters."""
        return self.content_type.split(";")[0]

    def named(self, name: str) -> str:
        """Give the name of the file that holds ``name``."""
        return f"{name}.{self.suffix}"
