"""Files of invoices on their way out: named plainly, never shown inside the browser's own page."""

from __future__ import annotations

from typing import Final

from flask import Response

from billing.ehf.document import Attachment

# The types that an invoice may carry; anything else is bytes.
SAFE: Final = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
}


def file_answer(content: bytes, media_type: str, filename: str) -> Response:
    """Give bytes as a file to keep."""
    answer = Response(content, mimetype=media_type)
    answer.headers.set("Content-Disposition", "attachment", filename=plain_name(filename) or "file")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def attachment_answer(attachment: Attachment, number: int) -> Response:
    """Give the file inside an invoice under its own name and, where it is one of the known ones, its type."""
    media_type = (attachment.mime or "").split(";")[0].strip().casefold()
    known = media_type if media_type in SAFE else "application/octet-stream"
    usual = f"vedlegg-{number}.{SAFE.get(known, 'bin')}"
    return file_answer(attachment.content or b"", known, attachment.filename or usual)


def plain_name(name: str) -> str:
    """Keep a file name's last part without control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable() and character != '"')[:120]
