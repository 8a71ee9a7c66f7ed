"""Take each guard of the workflow away in turn and tell which tests notice: a guard that nothing misses is not tested.

    python -m tests.guards [GUARD…]

Each guard is removed in a process of its own, where the table's tests and those of the use cases run until the first one
fails. Exit code 1 says that the removal of some guard was not noticed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.terms import workflow

ROOT = Path(__file__).resolve().parents[1]
# The pure table first, then real rows: both must notice by themselves.
PLACES = ("tests/contracts/terms/test_workflow.py", "tests/contracts/options/test_options.py")
# A plan that would not fit only warns; and nobody outside the closed list comes so far: such a draft is refused before.
IN_THE_TABLE_ONLY = frozenset({"planned_cost", "named_holder"})
_FAILED = re.compile(r"^FAILED \S+::(\w+)", re.MULTILINE)


class Without:
    """A pytest plugin that takes one guard out of the table."""

    def __init__(self, guard: str) -> None:
        self.guard = guard

    @pytest.hookimpl
    def pytest_configure(self) -> None:
        """Remove the guard before any test is collected."""
        workflow.GUARDS[self.guard] = lambda facts, rule, now: iter(())


def noticed(guard: str, place: str) -> str | None:
    """Run a file's tests without a guard and name the first that fails, ``None`` where all pass."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.guards", "--without", guard, place], cwd=ROOT, capture_output=True, text=True
    )
    found = _FAILED.search(ran.stdout)
    return None if found is None else found.group(1)


def main(arguments: list[str]) -> int:
    """Go through the guards named, or all."""
    if arguments[:1] == ["--without"]:
        guard, place = arguments[1:]
        # The test that removes guards itself would notice nothing but its own doing.
        others = ["-q", "-x", "-p", "no:cacheprovider", "-k", "not without_its_guard"]
        return int(pytest.main([*others, place], plugins=[Without(guard)]))
    missed = 0
    print("| guard | noticed in the table by | noticed on real rows by |\n|---|---|---|")
    for guard in arguments or workflow.GUARDS:
        told = [noticed(guard, place) for place in PLACES]
        missed += told[0] is None or (told[1] is None and guard not in IN_THE_TABLE_ONLY)
        print(f"| {guard} | " + " | ".join(name or "–" for name in told) + " |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
