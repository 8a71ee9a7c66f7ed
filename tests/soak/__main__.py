"""Run the long proofs and print each figure; ``soak.json`` keeps them.

A proof is a module `tests.soak.<name>` with ``run(count: float) -> list[Row]``; ``count`` is a factor on its full figures
(the variable COUNT, 1 = full). ``--only NAME`` runs one by itself, which is how each adds its row to ``soak.json``.
Exit code 1 says that a goal was missed.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path

from tests.measure import Row, publish

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "soak.json"


def main(arguments: list[str]) -> int:
    """Run all proofs, or the one named after ``--only``."""
    only = arguments[1] if arguments[:1] == ["--only"] else None
    names = [file.stem for file in sorted(Path(__file__).parent.glob("*.py")) if not file.stem.startswith("_")]
    if only is not None and only not in names:
        print(f"there is no proof '{only}'; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    count = float(os.environ.get("COUNT", "1"))
    rows: list[Row] = []
    for name in names if only is None else [only]:
        print(f"… {name} × {count:g}", file=sys.stderr)
        rows += import_module(f"tests.soak.{name}").run(count)
    earlier = _earlier({row.name for row in rows}) if only is not None else []
    return 0 if publish([*earlier, *rows], KEPT) else 1


def _earlier(renewed: set[str]) -> list[Row]:
    """Give the rows that other proofs left in the file."""
    if not KEPT.exists():
        return []
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    return [
        Row(row["name"], row["ratio"], row["goal"], row["sense"], row["detail"])
        for row in kept
        if row["name"] not in renewed
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
