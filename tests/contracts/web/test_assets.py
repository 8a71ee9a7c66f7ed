"""The browser files: named by content, compressed, of the versions that belong together, and none of them ours."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import brotli
import plotly.offline
import pytest

from contracts.web import assets

LOCK = json.loads((assets.ROOT / "package-lock.json").read_text(encoding="utf-8"))


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    for name, source in assets.FILES.items():
        path = tmp_path / "modules" / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"/* {name} */" * 50 + "\n//# sourceMappingURL=x.map\n")
    return tmp_path / "modules"


def test_the_chart_bundle_is_the_version_that_the_chart_builder_writes_for() -> None:
    assert LOCK["packages"]["node_modules/plotly.js-basic-dist-min"]["version"] == plotly.offline.get_plotlyjs_version()


def test_the_lock_file_pins_by_hash_and_names_no_download_address() -> None:
    for name, package in LOCK["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_names_hold_the_content_and_a_second_run_changes_nothing(modules: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    manifest = assets.build(modules, vendor)
    assert set(manifest) == {*assets.FILES, "inter.css"}
    assert json.loads((vendor / "manifest.json").read_text()) == manifest
    before = {path.name: path.stat().st_mtime_ns for path in vendor.iterdir() if path.name != "manifest.json"}
    assert assets.build(modules, vendor) == manifest
    after = {path.name: path.stat().st_mtime_ns for path in vendor.iterdir() if path.name != "manifest.json"}
    assert after == before


def test_compressed_files_open_to_the_plain_one(modules: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    hashed = assets.build(modules, vendor)["htmx.min.js"]
    plain = (vendor / hashed).read_bytes()
    assert b"sourceMappingURL" not in plain
    assert brotli.decompress((vendor / f"{hashed}.br").read_bytes()) == plain
    assert gzip.decompress((vendor / f"{hashed}.gz").read_bytes()) == plain


def test_a_changed_file_gets_a_new_name_and_the_old_one_goes(modules: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    old = assets.build(modules, vendor)["htmx.min.js"]
    (modules / assets.FILES["htmx.min.js"]).write_text("changed")
    new = assets.build(modules, vendor)["htmx.min.js"]
    assert new != old
    assert not (vendor / old).exists()
    assert not (vendor / f"{old}.br").exists()


def test_the_style_sheet_of_the_font_names_the_font_file_that_is_there(modules: Path, tmp_path: Path) -> None:
    manifest = assets.build(modules, tmp_path / "vendor")
    assert manifest["inter-latin.woff2"] in (tmp_path / "vendor" / manifest["inter.css"]).read_text()


def test_a_package_that_is_not_installed_is_named_with_the_command_that_installs_it(
    modules: Path, tmp_path: Path
) -> None:
    (modules / assets.FILES["htmx.min.js"]).unlink()
    with pytest.raises(FileNotFoundError, match=r"htmx\.min\.js; run `npm ci"):
        assets.build(modules, tmp_path / "vendor")
