"""Set a paper as PDF: tagged, for the archive, with its files inside, and the same bytes for the same values.

The compiler sees nothing but what it is given: templates, data and attachments lie in memory, the fonts are those inside
the compiler's own package, the date is the paper's. So neither the machine's fonts nor its clock, zone or folders can
change a byte, and no text in the data can reach a file or be read as markup.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal, Protocol

import typst

from contracts.papers.writing import Writing
from contracts.terms.written import Language

TEMPLATES: Final = ("letter", "document")
"""A letter has an address field; a document begins with its title."""

# PDF/A-3a keeps the file readable for decades and lets it carry other files; PDF/UA-1 adds what a screen reader needs.
# The compiler refuses to write a file that breaks either.
STANDARDS: Final[list[Literal["a-3a", "ua-1"]]] = ["a-3a", "ua-1"]

Relationship = Literal["source", "data", "alternative", "supplement"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF: its bytes unchanged, a plain file name, and how it stands to the paper (AFRelationship)."""

    name: str
    content: bytes
    media_type: str
    description: str
    relationship: Relationship = "data"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", self.name):
            raise ValueError(f"an attachment needs a plain file name, not '{self.name}'")


class Paper(Protocol):
    """What can be printed. `to_data` holds finished text only; the same paper always gives the same data."""

    @property
    def template(self) -> str: ...
    @property
    def language(self) -> Language: ...
    @property
    def on(self) -> date: ...
    def title(self, write: Writing) -> str: ...
    def to_data(self, write: Writing) -> Mapping[str, object]: ...


def print_paper(paper: Paper, write: Writing, *, attachments: Sequence[Attachment] = ()) -> bytes:
    """Give a paper as PDF; `render` says what may be relied on."""
    return render(
        paper.template,
        paper.to_data(write),
        attachments=attachments,
        title=paper.title(write),
        language=paper.language,
        on=paper.on,
    )


def render(
    template: str,
    data: Mapping[str, object],
    *,
    attachments: Sequence[Attachment] = (),
    title: str,
    language: Language,
    on: date,
) -> bytes:
    """Set data in a template (`letter` or `document`) as a tagged PDF/A-3a and PDF/UA-1, dated `on`.

    The same arguments give the same bytes. Text stands literally, whatever characters it has; one that no font can show,
    and one that would turn the direction of writing, stands as its number in Unicode (`[U+4E2D]`). Raises `TypeError`
    for data that is neither text, whole number, truth value nor made of these, and `ValueError` for another template, two
    attachments of one name, or an empty title.
    """
    if template not in TEMPLATES:
        raise ValueError(f"there is no template '{template}'")
    if not title.strip():
        raise ValueError("a paper needs a title")
    names = [attachment.name for attachment in attachments]
    if len(set(names)) != len(names):
        raise ValueError("two attachments have one name")
    content = {
        "title": title,
        "language": language,
        "on": [on.year, on.month, on.day],
        "attachments": [_attachment_data(attachment) for attachment in attachments],
        "paper": data,
    }
    try:
        return _typeset(_sources(template, content, showable))
    except typst.TypstError:
        # Marks that stand well on one letter may have no place on another. Then only common characters are left.
        return _typeset(_sources(template, content, common))


def _sources(template: str, content: Mapping[str, object], show: Callable[[str], str]) -> dict[str, bytes]:
    return {
        "main.typ": _source(template),
        "base.typ": _source("base"),
        "data.json": json.dumps(_plain(content, show), ensure_ascii=False).encode(),
    }


def _typeset(sources: dict[str, bytes]) -> bytes:
    # The compiler takes several files from memory; its type stub knows of one only.
    pdf: bytes = typst.compile(  # type: ignore[call-overload]
        sources, format="pdf", ignore_system_fonts=True, pdf_standards=STANDARDS
    )
    return pdf


def _attachment_data(attachment: Attachment) -> dict[str, object]:
    return {
        "name": attachment.name,
        # Whole numbers, because text in JSON cannot carry any byte.
        "bytes": _Raw(attachment.content),
        "media_type": attachment.media_type,
        "description": attachment.description,
        "relationship": attachment.relationship,
        "sha256": hashlib.sha256(attachment.content).hexdigest(),
    }


@dataclass(frozen=True, slots=True)
class _Raw:
    content: bytes


def _plain(value: object, show: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return show(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, _Raw):
        return list(value.content)
    if isinstance(value, Mapping):
        return {str(key): _plain(held, show) for key, held in value.items()}
    # A set has no order that holds from run to run, so it is no part of a paper.
    if isinstance(value, list | tuple):
        return [_plain(held, show) for held in value]
    raise TypeError(f"a paper is made of text, not of {type(value).__name__}")


# What people in Norway write. All of it stands in the body font, so only other characters are tried out.
_COMMON: Final = frozenset(
    {*map(chr, (*range(0x20, 0x7F), *range(0xA0, 0xAD), *range(0xAE, 0x17F))), *"\n–—−‘’‚“”„…•§€‰ ‑"}
)


def showable(text: str) -> str:
    """Write each character that cannot be shown as its number, `[U+1F600]`; others stay, but that a tab is a space.

    Those that would turn the direction of writing count among them: an amount must not be read backwards.
    """
    return _numbered(text, lambda char: char in _COMMON or _has_glyph(char))


def common(text: str) -> str:
    """Write each character but the common ones as its number; a letter and its marks are one where Unicode has it so."""
    return _numbered(unicodedata.normalize("NFC", text), lambda char: char in _COMMON)


def _numbered(text: str, stays: Callable[[str], bool]) -> str:
    spaced = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(char if stays(char) else f"[U+{ord(char):04X}]" for char in spaced)


@lru_cache(maxsize=4096)
def _has_glyph(char: str) -> bool:
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return False
    if unicodedata.bidirectional(char) in {"R", "AL", "AN"}:
        return False
    # A letter before it, because a combining mark alone stands on nothing.
    probe = b'#set document(title: "x")\n#set text(font: "Libertinus Serif", lang: "nb")\n#("a" + json("data.json"))'
    try:
        _typeset({"main.typ": probe, "data.json": json.dumps(char).encode()})
    except typst.TypstError:
        return False
    return True


@cache
def _source(name: str) -> bytes:
    return (files("contracts.papers") / "templates" / f"{name}.typ").read_bytes()
