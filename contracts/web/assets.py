"""The set-up step for what browsers load: copy, name by content, compress; and compile the catalogues of texts.

Run `npm ci --ignore-scripts` first, then `python -m contracts.web.assets`. The few files of others land in
`static/vendor/`, which is never committed, under a name that holds the hash of their content, so that browsers may keep
them for good. `manifest.json` maps the plain names to those. Beside each stands its `.br` and `.gz`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import brotli
import click

from contracts.web.i18n import compile_catalogues

ROOT: Final = Path(__file__).parents[2]
STATIC: Final = Path(__file__).parent / "static"
VENDOR: Final = STATIC / "vendor"
MANIFEST: Final = VENDOR / "manifest.json"

FILES: Final = {
    "designsystemet.css": "@digdir/designsystemet-css/dist/src/index.css",
    "designsystemet-theme.css": "@digdir/designsystemet-css/dist/theme/designsystemet.css",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "plotly-basic.min.js": "plotly.js-basic-dist-min/plotly-basic.min.js",
}
# The style sheet that names the font is made here, because only here the font's hashed name is known.
INTER: Final = """\
@font-face {{
  font-family: Inter;
  font-style: normal;
  font-weight: 100 900;
  font-display: swap;
  src: url("{file}") format("woff2");
}}
"""
COMPRESSED_ALREADY: Final = {".woff2"}

# One step below the best, which takes twice as long on the chart bundle for one and a half per cent less.
BROTLI_QUALITY: Final = 10


def build(modules: Path = ROOT / "node_modules", vendor: Path = VENDOR) -> dict[str, str]:
    """Fill `vendor` from the installed packages and return the manifest; files that are already right stay untouched.

    A package that is not installed raises `FileNotFoundError` with the command that installs it.
    """
    absent = [name for name, source in FILES.items() if not (modules / source).exists()]
    if absent:
        raise FileNotFoundError(f"not installed: {', '.join(absent)}; run `npm ci --ignore-scripts` first")
    vendor.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        hashed = pool.map(lambda item: _place(item[0], modules / item[1], vendor), FILES.items())
    manifest = dict(zip(FILES, hashed, strict=True))
    manifest["inter.css"] = _write("inter.css", INTER.format(file=manifest["inter-latin.woff2"]).encode(), vendor)
    _remove_old(vendor, set(manifest.values()))
    (vendor / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest


def _place(name: str, source: Path, vendor: Path) -> str:
    content = source.read_bytes()
    if source.suffix in {".css", ".js"}:
        content = re.sub(rb"\n?(//|/\*)# sourceMappingURL=[^\n]*", b"", content)
    return _write(name, content, vendor)


def _write(name: str, content: bytes, vendor: Path) -> str:
    stem, dot, suffix = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{suffix}"
    target = vendor / hashed
    if not target.exists():
        target.write_bytes(content)
    if target.suffix not in COMPRESSED_ALREADY:
        brotlied, gzipped = vendor / f"{hashed}.br", vendor / f"{hashed}.gz"
        if not brotlied.exists():
            brotlied.write_bytes(brotli.compress(content, quality=BROTLI_QUALITY, lgwin=22))
        if not gzipped.exists():
            gzipped.write_bytes(gzip.compress(content, compresslevel=6, mtime=0))
    return hashed


def _remove_old(vendor: Path, kept: set[str]) -> None:
    for path in vendor.iterdir():
        if path.name.removesuffix(".br").removesuffix(".gz") not in kept | {"manifest.json"}:
            path.unlink()


@click.command()
def cli() -> None:
    """Place the browser files and compile the catalogues."""
    try:
        manifest = build()
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
    compiled = compile_catalogues()
    click.echo(f"{len(manifest)} browser files in {VENDOR.relative_to(ROOT)}, {len(compiled)} catalogues compiled")


if __name__ == "__main__":
    cli()
