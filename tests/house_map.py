"""Draw the house: the subjects of each half in the rows of the import contract, and who uses whom.

    python -m tests.house_map            print the picture (Mermaid)
    python -m tests.house_map --write    put it into CONTRIBUTING.md

Rows come from pyproject.toml, arrows from the imports as they are. An arrow that follows from two others is left out.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- house -->\n", "<!-- /house -->"

Uses = dict[str, set[str]]


def rows(half: str) -> list[list[str]]:
    """Read the rows of a half from the import contract, the uppermost first."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in pyproject["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers" and contract["containers"] == [half]:
            return [[name.strip() for name in row.split("|")] for row in contract["layers"]]
    raise LookupError(half)


def modules_used(half: str) -> dict[str, dict[str, set[str]]]:
    """Give, for each subject of a half, the modules of it that others in the house import, and which subjects do."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in [ROOT / "app.py", *(ROOT / "contracts").rglob("*.py"), *(ROOT / "billing").rglob("*.py")]:
        parts = path.relative_to(ROOT).parts
        own = parts[1].removesuffix(".py") if parts[0] == half and len(parts) > 1 else parts[0]
        for module, name in _imports(path):
            if module.split(".")[0] == half:
                subject, *rest = [*module.split(".")[1:], name]
                if subject != own:
                    inner = rest[0] if rest and _is_module(half, subject, rest[0]) else ""
                    found[subject][inner].add(own)
    return found


@cache
def _imports(path: Path) -> list[tuple[str, str]]:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = [node for node in tree if isinstance(node, ast.ImportFrom) and node.module]
    return [(node.module or "", alias.name) for node in found for alias in node.names]


def _is_module(half: str, subject: str, name: str) -> bool:
    folder = ROOT / half / subject
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()


def uses(half: str) -> Uses:
    """Give which subject of a half uses which others of it."""
    names = {name for row in rows(half) for name in row}
    found: Uses = {name: set() for name in names}
    for subject, modules in modules_used(half).items():
        for users in modules.values():
            for user in users & names:
                found[user].add(subject)
    return {user: used & names for user, used in found.items()}


def reduced(edges: Uses) -> Uses:
    """Leave out each arrow that follows from two others."""

    def reach(name: str) -> set[str]:
        below = set(edges[name])
        for each in edges[name]:
            below |= reach(each)
        return below

    return {name: {each for each in used if not any(each in reach(o) for o in used)} for name, used in edges.items()}


def picture(half: str) -> str:
    """Draw one half as a Mermaid flowchart."""
    lines = ["```mermaid", "flowchart TB"]
    for number, row in enumerate(rows(half)):
        lines.append(f"  subgraph {half}{number}[ ]")
        lines += [f"    {half}_{name}[{name}]" for name in row]
        lines.append("  end")
    for user, used in sorted(reduced(uses(half)).items()):
        lines += [f"  {half}_{user} --> {half}_{name}" for name in sorted(used)]
    return "\n".join([*lines, "```"])


def drawn() -> str:
    """Draw both halves, with the sentence that says how to read them."""
    return (
        "A row may use the rows below it and nothing beside it; an arrow says that it does. `billing` uses `contracts`, never "
        "the reverse.\n\n" + "\n\n".join(f"**{half}**\n\n{picture(half)}" for half in ("billing", "contracts")) + "\n"
    )


def written(page: str) -> str:
    """Give the page with today's picture in it."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}{drawn()}{END}", page, flags=re.DOTALL)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(drawn())
