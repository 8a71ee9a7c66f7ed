"""Run every benchmark: both sides in one run, ratios on the screen and in ``bench.json``.

A benchmark is a module `tests.bench.<name>_bench` with ``run() -> list[Row]``. ``python -m tests.bench NAME…`` runs some.
Exit code 1 says that a goal was missed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from tests.measure import Row, publish

ROOT = Path(__file__).resolve().parents[2]


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, or all."""
    rows: list[Row] = []
    for file in sorted(Path(__file__).parent.glob("*_bench.py")):
        name = file.stem.removesuffix("_bench")
        if not wanted or name in wanted:
            print(f"… {name}", file=sys.stderr)
            rows += import_module(f"tests.bench.{file.stem}").run()
    return 0 if publish(rows, ROOT / "bench.json") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
