"""Hostile usage files: whatever comes, nothing crashes, each error has its place and its sentences, memory is bounded.

The module is also the program that the proof starts, one process for each kind of file, to see what memory it takes:

    python -m tests.soak.hostile DATABASE_URL FOLDER KIND COUNT SEED   check so many mutants of a kind
    python -m tests.soak.hostile DATABASE_URL FOLDER file PATH READING check one file, with a reading of `READINGS` or `none`

A mutant is a good file made bad: bytes flipped, pieces cut out, doubled or put in that readers stumble over; of a workbook
either the archive's bytes or the text of one of its parts. Each is previewed and checked on the path of a dry run.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl

from billing.usage import files as usage_files
from billing.usage import metering
from billing.usage.errors import MOST_ERRORS, SHOWN_ERRORS, RowError, errors_table, place, sentence
from billing.usage.readings import Reading
from contracts import agreements
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.national_numbers import holds_national_number
from contracts.terms.table import csv_bytes
from tests.measure import Row
from tests.soak.jobs import databases
from tests.soak.usage import most_memory, prepare, proof_app, rest
from tests.usage_files import HEADER, event_lines

ROOT = Path(__file__).resolve().parents[2]
FULL_MUTANTS = 2_000  # of each kind
FULL_MEGABYTES = 100
MOST_MEMORY = 256
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAILY = "trust,algorithm,date,quantity\n"
MONTHLY = "trust,algorithm,month,quantity\n"
CELL = "vestre-viken,xray-skeletal"
PERSON = "15108695088"
# What is wrong with a file as a whole stands in its first row and in no column.
WHOLE_FILE = frozenset(
    {
        "empty",
        "old_excel",
        "not_xlsx",
        "xlsx_too_large",
        "xlsx_doctype",
        "not_parquet",
        "parquet_missing",
        "too_many_errors",
    }
)

READINGS: dict[str, Reading] = {
    "norwegian": Reading(
        "daily",
        (("trust", "Helseforetak"), ("algorithm", "Produkt"), ("date", "Dato"), ("quantity", "Antall")),
        delimiter=";",
        encoding="cp1252",
        numbers="comma_decimal",
        dates="day_dots",
        values=(("trust", "Vestre Viken HF", "vestre-viken"), ("algorithm", "Bruddvis", "xray-skeletal")),
    ),
    "wide": Reading(
        "events",
        tuple((name, name) for name in ("event_id", "trust", "algorithm", "time", "status")),
        delimiter="\t",
        encoding="utf-16",
        times="oslo",
    ),
}
_STRINGS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'


# --- what is good before it is made bad --------------------------------------------------------------------------------


def workbook(*rows: list[Any]) -> bytes:
    """Give a workbook of one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def repacked(content: bytes, parts: Mapping[str, bytes], **renamed: str) -> bytes:
    """Give an Excel file with some of its parts, named by a piece of their names, replaced."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            key = next((key for key in parts if key in name), None)
            new.writestr(renamed.get(name, name), old.read(name) if key is None else parts[key])
    return kept.getvalue()


def shared(content: bytes) -> bytes:
    """Give a workbook with its text in the strings that cells share, as Excel writes it."""
    texts: dict[str, int] = {}

    def refer(found: re.Match[str]) -> str:
        return f'<c{found[1]} t="s"><v>{texts.setdefault(found[2], len(texts))}</v></c>'

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        rows, types = archive.read("xl/worksheets/sheet1.xml").decode(), archive.read("[Content_Types].xml").decode()
    rows = re.sub(r'<c( r="[A-Z0-9]+") t="inlineStr"><is><t>([^<]*)</t></is></c>', refer, rows)
    strings = "".join(f"<si><t>{text}</t></si>" for text in texts)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    types = types.replace("</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>')
    kept = io.BytesIO(repacked(content, {"sheet1": rows.encode(), "Content_Types": types.encode()}))
    with zipfile.ZipFile(kept, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", _STRINGS.decode() + strings + "</sst>")
    return kept.getvalue()


@cache
def sheet_of_days() -> bytes:
    """A workbook of daily counts with typed cells, a formula and shared text."""
    day = datetime(2025, 1, 10)  # noqa: DTZ001 - a cell of a workbook knows no zone
    rows = [[*CELL.split(","), day.replace(day=number), number] for number in range(1, 29)]
    formula = [*CELL.split(","), day.replace(month=2), "=1+1"]
    return shared(workbook(["trust", "algorithm", "date", "quantity"], *rows, formula))


def _days(separator: str = "-") -> str:
    return "".join(f"{CELL},2025{separator}01{separator}{number:02},{number}\n" for number in range(1, 31))


GOOD: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "events": (lambda: (HEADER + "".join(event_lines(40))).encode(), None),
    "daily": (lambda: (DAILY + _days()).encode(), None),
    "monthly": (lambda: (MONTHLY + "".join(f"{CELL},2025-{n:02},{n}\n" for n in range(1, 13))).encode(), None),
    "norwegian": (
        lambda: (
            "Helseforetak;Produkt;Dato;Antall;Sted\n"
            + "".join(f"Vestre Viken HF;Bruddvis;{n:02}.01.2025;1.0{n:02},00;Bærum\n" for n in range(1, 29))
        ).encode("cp1252"),
        "norwegian",
    ),
    "wide": (
        lambda: (
            HEADER.replace(",", "\t")
            + "".join(f"e{n}\t{CELL}\t2025-01-10 08:15:{n:02}\tcompleted\n".replace(",", "\t") for n in range(40))
        ).encode("utf-16"),
        "wide",
    ),
    "workbook": (sheet_of_days, None),
}


# --- mutants -----------------------------------------------------------------------------------------------------------

_PIECES = (
    b"\0", b'"', b'""', b"\xff\xfe", b"\xef\xbb\xbf", b"1e308", b"NaN", b"-inf", b"-0", b"9" * 400, b",", b";", b"\t", b"\r",
    b"\n\n", b"\r\n", b"=1+1", b"@SUM(A1)", b"\x80" * 9, b"\xed\xa0\x80", b"\xe2\x80\x8f", b"\xe2\x80\xae", b"\xe2\x80\xa8",
    b"\x1a", b"\x0b", b"{value}", b"%s", b"0001-01-01", b"9999-12-31", b"2025-02-30", b"2025-03-30 02:30:00",
    PERSON.encode(), b"x" * 300, b"'", b"\\", b"\xd9\xa3", b"\xc2\xa0", b"<b>", b"\xf0\x9f\x98\x80",
)  # fmt: skip
_XML_PIECES = (
    "<!DOCTYPE a>", "&x;", "&#0;", "&#xFFFF;", "<a>", "</a>", "<row>", "</row>", '<row r="3">', '<row r="99999999999">',
    '<c r="ZZZ1">', '<c t="s"><v>99</v></c>', '<c t="e"><v>#REF!</v></c>', "<f>1+1</f>", "<v>NaN</v>", "<v>1e308</v>",
    "<v>-1</v>", "<v>١</v>", '<c t="d"><v>2025-99-99</v></c>', "<is><t>x</t></is>", "<rPh><t>x</t></rPh>", "<![CDATA[", "]]>",
    "<!--", "-->", "<?x?>", "\u202e", "x" * 70_000, 't="b"', 's="999"', "http://", PERSON, "]", "'", '"', "1" * 400,
)  # fmt: skip


def bad_bytes(chance: random.Random, good: bytes) -> bytes:
    """Flip, cut, double or put in some bytes."""
    content = bytearray(good)
    for _ in range(chance.randrange(1, 6)):
        if not content:
            break
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.randrange(1, 200)]
            case 2:
                content[at:at] = chance.choice(_PIECES)
            case _:
                content[at:at] = content[at : at + 90]
    return bytes(content)


def bad_workbook(chance: random.Random, good: bytes) -> bytes:
    """Spoil the archive, or the text of one of its parts, most often the sheet's."""
    if not chance.randrange(4):
        return bad_bytes(chance, good)
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        sheets = [name for name in archive.namelist() if "sheet1" in name or "sharedStrings" in name]
        name = chance.choice(sheets if chance.randrange(3) else archive.namelist())
        text = archive.read(name).decode()
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(text) + 1)
        if chance.randrange(2):  # between two elements, where it is least broken
            at = max(text.rfind("<", 0, at), 0)
        match chance.randrange(4):
            case 0:
                text = text[:at] + text[at + chance.randrange(1, 60) :]
            case 1:
                text = text[:at] + text[at : at + chance.randrange(1, 400)] + text[at:]
            case _:
                text = text[:at] + chance.choice(_XML_PIECES) + text[at:]
    return repacked(good, {name: text.encode()})


def mutants(kind: str, count: int, seed: int) -> Iterator[bytes]:
    """Give so many bad files made of a good one of a kind."""
    chance = random.Random(f"{kind} {seed}")
    good = GOOD[kind][0]()
    for _ in range(count):
        yield (bad_workbook if kind == "workbook" else bad_bytes)(chance, good)


# --- judging -----------------------------------------------------------------------------------------------------------


class Told:
    """A progress that counts the findings it is told."""

    def __init__(self) -> None:
        self.findings = 0

    def phase(self, name: str, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""

    def finding(self, finding: Mapping[str, Any]) -> None:
        """Count one."""
        self.findings += 1

    def check_cancel(self) -> None:
        """Never stop."""


def wrong_with(result: metering.UsageImportResult, told: int) -> Counter[str]:
    """Tell what is wrong with the way a file was judged, by kind."""
    found: Counter[str] = Counter()
    found["silent"] += (result.status == "refused") != bool(result.errors)
    found["more than 50 shown"] += told > SHOWN_ERRORS
    found["more than is kept"] += len(result.errors) > MOST_ERRORS + 1
    for error in result.errors:
        found["without a place"] += not has_place(error)
        found["without a sentence"] += not has_sentences(error)
    for language in ("nb", "en"):
        text = csv_bytes(errors_table(result.errors, language)).decode()  # type: ignore[arg-type]
        lines = list(csv.reader(io.StringIO(text, newline="")))
        found["not in the file"] += len(lines) != len(result.errors) + 1 or any(len(line) != 4 for line in lines)
        found["leaked"] += holds_national_number(text)
    return +found


def has_place(error: RowError) -> bool:
    """Tell whether an error has a row and a column, or is about the whole file."""
    return error.row >= 1 and (bool(error.column) or error.code in WHOLE_FILE)


def has_sentences(error: RowError) -> bool:
    """Tell whether an error has a sentence in each language, of characters that can be shown."""
    texts = [sentence(error, "nb"), sentence(error, "en"), place(error, "nb"), place(error, "en")]
    return all(text and text.isprintable() for text in texts) and texts[0] != texts[1]


def check(content: bytes | Path, reading: Reading | None) -> Counter[str]:
    """Preview a file and check it on the path of a dry run; give what is wrong, a crash among it."""
    told = Told()
    try:
        usage_files.preview(content, "hostile", reading)
        with db.write() as session:
            result = metering.import_usage(
                session,
                agreement_id=agreements.find_agreement(session).id,
                filename="hostile",
                content=content,
                actor=COMMAND_LINE,
                now=NOW,
                dry_run=True,
                reading=reading,
                progress=told,
            )
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return Counter({"crashed": 1})
    return wrong_with(result, told.findings)


# --- large files -------------------------------------------------------------------------------------------------------


def _zip(path: Path, name: str, pieces: Iterator[bytes], *, level: int = 1) -> None:
    """Write the workbook with one part replaced by whatever comes."""
    with (
        zipfile.ZipFile(io.BytesIO(sheet_of_days())) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as new,
    ):
        for each in old.namelist():
            if name not in each:
                new.writestr(each, old.read(each))
            else:
                with new.open(each, "w", force_zip64=False) as part:
                    for piece in pieces:
                        part.write(piece)


_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_END = b"</sheetData></worksheet>"
_STYLES = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts>'


def _noise(chance: random.Random, size: int) -> bytes:
    """Give attributes that do not compress, so that a bomb has to be told by more than its ratio."""
    return b"%x" % chance.getrandbits(size * 4)


def _sheet(rows: Iterator[bytes]) -> Iterator[bytes]:
    yield _SHEET
    yield from rows
    yield _END


def _full_sheet(rows: int) -> Iterator[bytes]:
    """A sheet as full as it goes: events, none of which is like another."""
    yield _text_row(1, HEADER.strip())
    for number, line in enumerate(event_lines(rows), 2):
        yield _text_row(number, line.strip())


def _text_row(number: int, line: str) -> bytes:
    cells = "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in line.split(","))
    return f'<row r="{number}">{cells}</row>'.encode()


def _shared(count: int) -> Iterator[bytes]:
    yield _STRINGS
    for number in range(count):
        yield b"<si><t>%s %d</t></si>" % (_noise(random.Random(number), 12), number)
    yield b"</sst>"


def large_files(megabytes: int) -> dict[str, tuple[Callable[[Path], None], str | None]]:
    """Give the makers of large files by name, each with the name of its reading; text is of so many megabytes."""
    size = megabytes * 1_000_000
    chance = random.Random(megabytes)

    def text(start: bytes, piece: bytes, end: bytes = b"") -> Callable[[Path], None]:
        def write(path: Path) -> None:
            with path.open("wb") as file:
                file.write(start)
                for _ in range(size // (len(piece) * 1_000)):
                    file.write(piece * 1_000)
                file.write(end)

        return write

    def events(path: Path) -> None:
        with path.open("wb") as file:
            file.write(HEADER.encode())
            file.writelines(line.encode() for line in event_lines(size // 75))
            file.write(b"x,vestre-viken,xray-skeletal,2025-01-10T10:00:00Z,\xe5\n")

    def noise(path: Path) -> None:
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(chance.randbytes(1_000_000))

    def archive(path: Path) -> None:
        noise(path)
        with path.open("r+b") as file:
            file.write(b"PK\x03\x04")

    def many_parts(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as made:
            for number in range(size // 200):
                made.writestr(f"xl/{number}.xml", b"<a/>")

    def part(name: str, pieces: Callable[[], Iterator[bytes]]) -> Callable[[Path], None]:
        return lambda path: _zip(path, name, pieces())

    def repeated(piece: bytes, times: int) -> Iterator[bytes]:
        return (piece * 100 + b"<a b='%s'/>" % _noise(chance, 40) for _ in range(times // 100))

    header, daily = HEADER.encode(), DAILY.encode()
    wide_row = b'<row r="1">' + b"<c><v>1</v></c>" * 1_000_000 + b"</row>"
    deep = b"<a>" * 1_000_000
    return {
        "a line without an end": (text(header, b"a"), None),
        "NUL bytes": (text(b"", b"\0"), None),
        "columns without number": (text(b"", b"x,"), None),
        "a row of 1 000 000 columns": (lambda path: _put(path, daily + b"," * 1_000_000), None),
        "rows of 200 columns": (text(daily, b"," * 199 + b"\n"), None),
        "a quote that never closes": (text(header + b'"', b"a,b\n"), None),
        "blank lines": (text(daily, b"\n"), None),
        "nothing but errors": (text(daily, b"vestre-viken,xray-skeletal,1e308,NaN\n"), None),
        "one byte that is no text": (events, None),
        "noise": (noise, None),
        "UTF-16 without a line": (text(b"\xff\xfe", b"a\0"), "wide"),
        "half of UTF-16": (text(b"\xff\xfe" + "\n".encode("utf-16-le"), "a\tb\n".encode("utf-16-le"), b"a"), "wide"),
        "an archive of noise": (archive, None),
        "an archive of many parts": (many_parts, None),
        "a full sheet": (part("sheet1", lambda: _sheet(_full_sheet(size // 100))), None),
        "a sheet of 1 000 000 columns": (part("sheet1", lambda: _sheet(iter([wide_row]))), None),
        "a sheet of empty rows": (part("sheet1", lambda: _sheet(repeated(b"<row/>", size // 10))), None),
        "a sheet of one row, again and again": (part("sheet1", lambda: _sheet(repeated(b'<row r="1"/>', size // 10))), None),
        "a sheet of nothing known": (part("sheet1", lambda: _sheet(repeated(b"<x/>", size // 10))), None),
        "a deep sheet": (part("sheet1", lambda: iter([_SHEET, deep])), None),
        "a sheet cut off": (part("sheet1", lambda: iter([_SHEET, *_full_sheet(1_000)])), None),
        "shared strings": (part("sharedStrings", lambda: _shared(size // 80)), None),
        "too many shared strings": (part("sharedStrings", lambda: _shared(size // 20)), None),
        "a stylesheet of fonts": (part("styles", lambda: iter([_STYLES, *repeated(b"<font/>", size // 100)])), None),
        "a bomb": (part("sheet1", lambda: _sheet(b" " * 1_000_000 for _ in range(3 * megabytes))), None),
    }  # fmt: skip


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


# --- the proof ---------------------------------------------------------------------------------------------------------


def work(url: str, folder: Path, arguments: list[str]) -> None:
    """Do what the command line asks for and print what is wrong, and the memory that it took."""
    app = proof_app(url, folder)
    found: Counter[str] = Counter()
    with app.app_context():
        if arguments[0] == "file":
            found = check(Path(arguments[1]), READINGS.get(arguments[2]))
        else:
            kind, count, seed = arguments[0], int(arguments[1]), int(arguments[2])
            reading = READINGS.get(GOOD[kind][1] or "")
            for content in mutants(kind, count, seed):
                found += check(content, reading)
    rest(app)
    print(json.dumps({"wrong": found, "megabytes": most_memory()}))


def start(url: str, folder: Path, *arguments: object) -> tuple[Counter[str], int]:
    """Run this module as a process; give what is wrong, its own death included, and its memory."""
    command = [sys.executable, "-m", "tests.soak.hostile", url, str(folder), *(str(each) for each in arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    said = done.stdout.splitlines()
    if done.returncode or done.stderr:
        print(f"  {arguments}: {done.stderr.decode()[-2_000:]}", file=sys.stderr)
    if done.returncode:
        return Counter({"crashed": 1}), 0
    told = json.loads(said[-1])
    return Counter(told["wrong"]) + Counter({"talked on standard output": len(said) - 1}), told["megabytes"]


def run(count: float) -> list[Row]:
    """Check 2 000 × ``count`` mutants of each kind, and the large files at 100 MB × ``count``, at least 5."""
    rows: list[Row] = []
    many = max(20, round(FULL_MUTANTS * count))
    megabytes = max(5, round(FULL_MEGABYTES * min(1.0, count)))
    with tempfile.TemporaryDirectory(prefix="trinnvis-soak-") as place_, databases(Path(place_)) as urls:
        folder, url = Path(place_), urls["sqlite"]
        prepare(url, folder)
        whole: Counter[str] = Counter()
        memory: dict[str, int] = {}
        for kind in GOOD:
            found, memory[kind] = start(url, folder, kind, many, 11)
            print(f"  {kind}: {many} mutants, {memory[kind]} MB, wrong: {dict(found)}", file=sys.stderr)
            whole += found
        rows.append(_row("mutants", whole, f"{len(GOOD) * many} mutants of {len(GOOD)} kinds"))
        whole = Counter()
        files = large_files(megabytes)
        for name, (write, reading) in files.items():
            path = folder / "large"
            write(path)
            found, memory[name] = start(url, folder, "file", path, reading or "none")
            print(f"  {name}: {path.stat().st_size >> 20} MB, {memory[name]} MB, wrong: {dict(found)}", file=sys.stderr)
            path.unlink()
            whole += found
        rows.append(_row("large files", whole, f"{len(files)} files, text of {megabytes} MB"))
        worst = max(memory, key=lambda name: memory[name])
        detail = f"{len(memory)} processes; the most: {worst}"
        rows.append(Row("hostile usage: memory in MB", memory[worst], MOST_MEMORY, "at_most", detail))
    return rows


def _row(name: str, found: Counter[str], detail: str) -> Row:
    return Row(f"hostile usage: {name}", float(found.total()), 0.0, "at_most", f"{detail}; wrong: {dict(found)}")


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
