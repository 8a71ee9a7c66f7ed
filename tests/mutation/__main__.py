"""Mutate the pricing modules, tell how many mutants were noticed per module, and list those that were not.

One child at a time. A child that uses more than its processor time or memory counts as noticed: a mutant that never ends
is one that a test run sees.
"""

from __future__ import annotations

import argparse
import gc
import importlib.abc
import importlib.machinery
import io
import json
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from types import CodeType, ModuleType

from tests.mutation.amounts import Case, cases, is_right
from tests.mutation.operators import Mutant, mutants, mutated

ROOT = Path(__file__).resolve().parents[2]
RATING = (
    "rate",
    "run",
    "compile",
    "charge_terms",
    "tiers",
    "tier_terms",
    "ramp_up",
    "slice_lines",
    "fixed",
    "limits",
    "lines",
)
TERMS = ("money", "period", "finding", "price_model", "price_models.model", "price_book", "contradictions")
MODELS = tuple(sorted(path.stem for path in (ROOT / "billing/rating/models").glob("[a-z]*.py")))
MODULES = tuple(
    [f"billing.rating.{name}" for name in (*RATING, "request", "captions")]
    + [f"{models}.{name}" for models in ("billing.rating.models", "contracts.terms.price_models") for name in MODELS]
    + [f"contracts.terms.{name}" for name in TERMS]
)
PROPERTIES = "billing/rating/test_properties.py"
OWN_TESTS = {
    "billing.rating.tiers": ("billing/rating/test_tiers.py",),
    "billing.rating.captions": ("billing/rating/test_captions.py",),
    "billing.rating.request": ("billing/rating/test_request.py", "billing/rating/test_rate.py"),
    "contracts.terms.money": ("contracts/terms/test_money.py",),
    "contracts.terms.period": ("contracts/terms/test_period.py",),
    "contracts.terms.contradictions": ("billing/rating/test_request.py",),
    "contracts.terms.price_model": ("contracts/terms/test_price_model.py",),
    "contracts.terms.price_book": (
        "contracts/terms/test_price_book_check.py",
        "contracts/terms/test_price_book_findings.py",
    ),
}
TESTS = (
    "billing/rating/test_rate.py",
    "billing/rating/test_request.py",
    "billing/rating/test_what_if.py",
    "billing/rating/test_order.py",
    "billing/rating/test_corners.py",
    "billing/rating/test_compile.py",
    "billing/rating/test_tiers.py",
    "billing/rating/test_captions.py",
    "contracts/terms/test_money.py",
    "contracts/terms/test_period.py",
    "contracts/terms/test_indexation.py",
    "contracts/terms/test_price_model.py",
    "contracts/terms/test_price_book_check.py",
    "contracts/terms/test_price_book_findings.py",
    PROPERTIES,
)
SECONDS = 60  # of processor time: the whole suite takes about eight
MEMORY = 3 * 2**30
SURVIVED, NOTICED, BROKEN = 0, 1, 2


class _Mutation(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import one module from code that was made beforehand."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.module, self.code = module, code

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        origin = str(ROOT / (fullname.replace(".", "/") + ".py"))
        return importlib.machinery.ModuleSpec(fullname, self, origin=origin)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


def fate(mutant: Mutant, source: str, checks: list[Case], quick: bool) -> tuple[str | None, int]:
    """Tell what noticed a mutant (None: nothing did) and the number of the case that did, -1 for another cause."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        told = b"-1 imported"
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            signal.alarm(SECONDS * 6)
            told = _check(mutant, source, checks, quick)
        except BaseException as error:
            told = f"-1 {type(error).__name__}".encode()
        finally:
            os.write(writing, told)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    if not told:
        return "killed for its time or memory", -1
    number, _, by = told.decode().partition(" ")
    return by or None, int(number)


def _check(mutant: Mutant, source: str, checks: list[Case], quick: bool) -> bytes:
    origin = str(ROOT / (mutant.module.replace(".", "/") + ".py"))
    tree = mutated(source, mutant.number) if mutant.number >= 0 else source
    sys.meta_path.insert(0, _Mutation(mutant.module, compile(tree, origin, "exec")))
    own = OWN_TESTS.get(mutant.module, ())
    if own and (failed := _failing_test(own)):
        return f"-1 {failed}".encode()
    for number, case in enumerate(checks):
        try:
            right = is_right(case)
        except Exception:
            right = False
        if not right:
            return f"{number} {case.name}".encode()
    rest = tuple(file for file in TESTS if file not in own and not (quick and file == PROPERTIES))
    failed = _failing_test(rest)
    return f"-1 {failed}".encode() if failed else b"-1 "


def _failing_test(files: tuple[str, ...]) -> str:
    """Give the name of the first failing test of some files, empty where all pass."""
    import pytest

    class First:
        name = ""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed and not self.name:
                self.name = report.nodeid

    first = First()
    options = "-c pyproject.toml -o addopts= -x -q --tb=no --noconftest --import-mode=importlib -p no:cacheprovider"
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        code = pytest.main([*options.split(), *(f"tests/{file}" for file in files)], plugins=[first])
    return "" if code == 0 else first.name or f"pytest ended with {code}"


def _prepare() -> None:
    """Load what is not mutated once, so that a child need not."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import hypothesis
    import marshmallow  # noqa: F401
    import pytest  # noqa: F401

    hypothesis.settings.register_profile("mutation", database=None, derandomize=True)
    hypothesis.settings.load_profile("mutation")
    loaded = [name for name in sys.modules if name.partition(".")[0] in ("billing", "contracts")]
    assert not loaded, f"a mutant would not be imported anew: {loaded}"
    gc.collect()
    gc.freeze()


def _change(mutant: Mutant) -> tuple[str, str, str]:
    """Return what names a change from one run to the next, also where lines have moved; others may be named alike."""
    return mutant.module, mutant.before, mutant.after


def main(arguments: list[str]) -> int:
    """Run the mutants that are asked for; exit code 1 where fewer than 95 % are noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--modules", nargs="+", default=list(MODULES), help="dotted names, or the last part of them")
    parser.add_argument("--seed", type=int, default=1, help="the first random agreement, and what samples")
    parser.add_argument(
        "--agreements", type=int, default=200, help="random agreements that each mutant is held against"
    )
    parser.add_argument("--sample", type=float, default=1.0, help="the part of each module's mutants to run")
    parser.add_argument("--quick", action="store_true", help="leave out the property tests")
    parser.add_argument("--keep", type=Path, help="write the survivors to this JSON file")
    parser.add_argument("--again", type=Path, help="run the survivors of such a file only")
    asked = parser.parse_args(arguments)
    modules = [name for name in MODULES if name in asked.modules or name.rpartition(".")[2] in asked.modules]
    sources = {name: (ROOT / (name.replace(".", "/") + ".py")).read_text(encoding="utf-8") for name in modules}
    checks = cases(asked.seed, asked.agreements)
    _prepare()
    unchanged = Mutant(modules[0], -1, 0, "", "", "")
    by, _ = fate(unchanged, sources[modules[0]], checks, asked.quick)
    if by is not None:
        print(f"the unchanged modules do not pass: {by}", file=sys.stderr)
        return 2
    only = None if asked.again is None else {_change(Mutant(**row)) for row in json.loads(asked.again.read_text())}
    survivors: list[Mutant] = []
    total: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for module in modules:
        chosen = mutants(module, sources[module])
        if asked.sample < 1:
            chosen = random.Random(f"{asked.seed} {module}").sample(chosen, round(asked.sample * len(chosen)))
            chosen.sort(key=lambda mutant: mutant.number)
        if only is not None:
            chosen = [mutant for mutant in chosen if _change(mutant) in only]
        began = time.monotonic()
        for mutant in chosen:
            by, number = fate(mutant, sources[module], checks, asked.quick)
            total[module] += 1
            if number > 0:  # what noticed one mutant often notices the next one too
                checks.insert(0, checks.pop(number))
            if by is None:
                left[module] += 1
                survivors.append(mutant)
                print(f"  survived  {mutant}  ({mutant.operator})", flush=True)
        noticed = total[module] - left[module]
        took = time.monotonic() - began
        print(f"{module}: {noticed} of {total[module]} noticed, {left[module]} survived, {took:.0f} s", flush=True)
    if asked.keep is not None:
        asked.keep.write_text(json.dumps([asdict(each) for each in survivors], ensure_ascii=False, indent=1) + "\n")
    mutated_in_all = sum(total.values())
    noticed = mutated_in_all - len(survivors)
    part = noticed / mutated_in_all if mutated_in_all else 1.0
    print(f"in all: {noticed} of {mutated_in_all} noticed ({part:.1%}), {len(survivors)} survived")
    return 0 if part >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
