"""Modules under their former paths, for one release: the same objects, with a warning that names the new path."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import layeralgebra.moved as moved

STANDS_AS_PACKAGE = {
    "algebra.regions": ("published_bounds", "BOUNDS"),
    "algebra.capacity.allocation": ("of_jacobian", "allocate"),
    "algebra.capacity.propagation": ("of_network", "capacity_propagation"),
    "algebra.capacity.scaling": ("laws", "Verdict"),
    "algebra.compilation.program": ("program", "Program"),
}


@pytest.mark.parametrize("old", sorted(moved.MOVED))
def test_a_former_path_gives_the_module_and_warns(old: str) -> None:
    name, new = f"layeralgebra.{old}", f"layeralgebra.{moved.MOVED[old]}"
    try:
        there = importlib.import_module(new)
    except ModuleNotFoundError as error:
        pytest.skip(f"needs {error.name}")
    sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match=f"{name} is now {new}"):
        assert importlib.import_module(name) is there
    assert there.__name__ == new and there.__spec__ is not None and there.__spec__.name == new


@pytest.mark.parametrize("package", sorted(STANDS_AS_PACKAGE))
def test_a_package_in_the_place_of_a_module_hands_on_its_names(package: str) -> None:
    file, name = STANDS_AS_PACKAGE[package]
    there = importlib.import_module(f"layeralgebra.{package}")
    with pytest.warns(DeprecationWarning, match=f"{package}.{name} is now .*{file}.{name}"):
        found = getattr(there, name)
    assert found is getattr(importlib.import_module(f"layeralgebra.{package}.{file}"), name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        there.nothing  # noqa: B018


def test_the_warning_names_the_line_that_imports(tmp_path) -> None:
    (tmp_path / "theirs.py").write_text("from layeralgebra.algebra.normal_form import simplify\n", encoding="utf-8")
    command = [sys.executable, "-P", "-W", "always::DeprecationWarning", str(tmp_path / "theirs.py")]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "theirs.py:1: DeprecationWarning: layeralgebra.algebra.normal_form is now" in made.stderr


def test_other_modules_stay_unknown() -> None:
    for name in ("layeralgebra.algebra.nothing", "algebra.normal_form"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)
