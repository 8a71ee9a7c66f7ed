"""Papers: what leaves the house as PDF, made of values alone, the same bytes for the same values on any day and machine.

A paper is a frozen dataclass, such as those in `letters`, and turns itself into blocks: paragraphs, facts, tables. `printing` sets the blocks as a tagged PDF/A-3a that also declares PDF/UA-1. The two templates
know typography only: every word and every figure comes in as finished text, so nothing in it is ever read as markup.
"""

from contracts.papers.blocks import (
    Bars,
    Block,
    Column,
    Facts,
    Heading,
    Notice,
    Paragraph,
    Signatures,
    Signing,
    Table,
)
from contracts.papers.printing import Attachment, Paper, print_paper, render
from contracts.papers.writing import Writing
from contracts.terms.written import Language

__all__ = [
    "Attachment",
    "Bars",
    "Block",
    "Column",
    "Facts",
    "Heading",
    "Language",
    "Notice",
    "Paper",
    "Paragraph",
    "Signatures",
    "Signing",
    "Table",
    "Writing",
    "print_paper",
    "render",
]
