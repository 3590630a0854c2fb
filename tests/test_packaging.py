"""The package as others get it: what the wheel holds, how it installs, what importing it costs and who imports whom."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["setuptools"]["package-dir"]
FOLDERS = sorted({folder.partition("/")[0] for folder in PACKAGES.values()})
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

#: What each part may import of the others; the front door may import them all and none imports the front door.
MAY_IMPORT = {
    "algebra": {"algebra"},
    "layers": {"algebra", "layers"},
    "proofs": {"algebra", "layers", "proofs"},
    "layeralgebra": {"algebra", "layers", "proofs", "layeralgebra"},
}


def run(*command: object, **options: object) -> str:
    made = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=240, **options)
    assert made.returncode == 0, f"{command} gave {made.returncode}\n{made.stdout}\n{made.stderr}"
    return made.stdout


def dotted(path: Path) -> str:
    """The dotted name under which a source file is imported."""
    words = path.relative_to(ROOT).with_suffix("").parts
    words = words[:-1] if words[-1] == "__init__" else words
    return ".".join(words if words[0] == "layeralgebra" else ("layeralgebra", *words))


# ---------------------------------------------------------------- the package map


def test_every_folder_with_sources_is_in_the_package_map():
    found = {str(path.parent.relative_to(ROOT)) for path in SOURCES}
    assert found == set(PACKAGES.values())
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(PACKAGES)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_package_names_follow_the_folders(name):
    folder = PACKAGES[name]
    dotted_folder = folder.replace("/", ".")
    assert name == (dotted_folder if folder.split("/")[0] == "layeralgebra" else f"layeralgebra.{dotted_folder}")
    assert (ROOT / folder / "__init__.py").is_file()


def test_every_module_compiles_for_the_oldest_python_promised(recwarn):
    oldest = tuple(map(int, re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["project"]["requires-python"]).groups()))
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        compile(source, str(path), "exec", dont_inherit=True)
        ast.parse(source, str(path), feature_version=oldest)
    assert not [str(warning) for warning in recwarn.list if issubclass(warning.category, SyntaxWarning)]


# ---------------------------------------------------------------- who imports whom


def imports(source: str, module: str, is_package: bool) -> list[tuple[int, str]]:
    """Line and full dotted name of everything imported anywhere in a module, lazily or not."""
    found = []
    here = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            start = ".".join(above + ([node.module] if node.module else []))
            found += [(node.lineno, f"{start}.{alias.name}") for alias in node.names]
    return found


def wrong_way(source: str, module: str, is_package: bool) -> list[str]:
    """What a module imports and must not."""
    part = (module.split(".") + [""])[1]
    part = part if part in MAY_IMPORT else "layeralgebra"
    wrong = []
    for line, name in imports(source, module, is_package):
        words = name.split(".")
        if words[0] == "layeralgebra":
            target = words[1] if len(words) > 1 and words[1] in MAY_IMPORT else "layeralgebra"
            if target not in MAY_IMPORT[part]:
                wrong.append(f"{module}:{line} imports {name}")
        elif words[0] in MAY_IMPORT:
            wrong.append(f"{module}:{line} imports {words[0]} from the top level, where the user's own may be")
    return wrong


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_go_one_way(folder):
    paths = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == folder]
    assert paths
    assert not [
        complaint
        for path in paths
        for complaint in wrong_way(path.read_text(encoding="utf-8"), dotted(path), path.stem == "__init__")
    ]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("layeralgebra.algebra.sizes.dims", "from ..layers import Conv"),
        ("layeralgebra.algebra.sizes.dims", "from .. import layers"),
        ("layeralgebra.algebra.sizes.dims", "from .. import macs"),
        ("layeralgebra.algebra.metrics.macs", "def f():\n    from ...proofs.law import Law"),
        ("layeralgebra.algebra.sizes.dims", "import layeralgebra as la"),
        ("layeralgebra.algebra.sizes.dims", "from layeralgebra.layers.linear import Linear"),
        ("layeralgebra.layers.linear", "from ..proofs import check"),
        ("layeralgebra.layers.linear", "import algebra"),
        ("layeralgebra.cli", "import layers"),
        ("layeralgebra.proofs.check", "from layeralgebra import cli"),
    ],
)
def test_an_import_the_wrong_way_is_found(module, source):
    assert len(wrong_way(source, module, False)) == 1


# ---------------------------------------------------------------- what importing brings along

LOADED = """
import sys
before = set(sys.modules)
import {name}
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
"""


def loaded_by(name: str) -> set[str]:
    """Top-level names outside the standard library that a fresh interpreter loads with a module."""
    return set(run(sys.executable, "-P", "-c", LOADED.format(name=name)).split()) - set(sys.stdlib_module_names)


def test_importing_the_package_loads_nothing_but_sympy():
    ours = {name for name in loaded_by("layeralgebra") if not name.startswith("__editable__")}
    assert ours - loaded_by("sympy") == {"layeralgebra"}


def test_what_is_loaded_would_be_noticed():
    assert {"numpy"} <= loaded_by("numpy") and "networkx" not in loaded_by("sympy")


# ---------------------------------------------------------------- the wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a copy that holds the packages and what pyproject.toml names, and nothing else."""
    pytest.importorskip("setuptools", minversion="77")
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]):
        shutil.copy(ROOT / name, copy / name)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", target, copy)
    (made,) = target.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def elsewhere(wheel, tmp_path_factory) -> tuple[Path, Path]:
    """The Python of an environment that has the wheel but not this checkout, and a folder with its own ``layers.py``.

    The packages it depends on are those of the running environment, so that nothing is downloaded.
    """
    home = tmp_path_factory.mktemp("environment")
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(home)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel)
    (site,) = home.glob("**/site-packages")
    # A path file that is read from here is not itself read for path files: the editable install stays out of sight.
    dependencies = {str(importlib.metadata.distribution(name).locate_file("")) for name in ("sympy", "pytest")}
    (site / "dependencies.pth").write_text("\n".join(dependencies), encoding="utf-8")
    work = tmp_path_factory.mktemp("work")
    (work / "layers.py").write_text("MINE = 'my own layers'\n", encoding="utf-8")
    return python, work


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    places = {folder: name.replace(".", "/") for name, folder in PACKAGES.items()}
    expected = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                above = path.parent
                while str(above.relative_to(ROOT)) not in places:  # a folder of data inside a package
                    above = above.parent
                expected.add(f"{places[str(above.relative_to(ROOT))]}/{path.relative_to(above).as_posix()}")
    assert expected <= names, f"not in the wheel (see package-data): {sorted(expected - names)}"
    extra = {name for name in names - expected if ".dist-info/" not in name}
    assert not extra, f"in the wheel only: {sorted(extra)}"
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"layeralgebra"}


def test_the_metadata_of_the_wheel(wheel):
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode()
    assert f"\nName: layeralgebra\nVersion: {PROJECT['project']['version']}\n" in text
    assert "\nRequires-Python: >=3.11\n" in text and "\nLicense-Expression: MIT\n" in text
    folder = metadata.rpartition("/")[0]
    assert f"{folder}/licenses/LICENSE" in archive.namelist()
    assert "layeralgebra = layeralgebra.cli:app" in archive.read(f"{folder}/entry_points.txt").decode()
    assert "layeralgebra/py.typed" in archive.namelist()


def test_it_installs_beside_the_users_own_layers(elsewhere):
    python, work = elsewhere
    code = (
        "import json, layeralgebra, layers, layeralgebra.layers, layeralgebra.algebra\n"
        "print(json.dumps([layeralgebra.__file__, layers.__file__, layers.MINE, layeralgebra.layers.__file__]))"
    )
    front, theirs, said, ours = json.loads(run(python, "-c", code, cwd=work))
    assert said == "my own layers" and Path(theirs) == work / "layers.py"
    assert Path(front).is_relative_to(python.parents[1]) and Path(ours).is_relative_to(python.parents[1])


def test_every_installed_module_imports_or_names_the_extra_it_needs(elsewhere):
    python, work = elsewhere
    code = (
        "import importlib, json, sys\n"
        "wrong = {}\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        assert 'site-packages' in (importlib.import_module(name).__file__ or '')\n"
        "    except ModuleNotFoundError as error:\n"
        "        wrong[name] = error.name\n"
        "print(json.dumps(wrong))"
    )
    names = [dotted(path) for path in SOURCES if path.stem != "__main__"]
    missing = json.loads(run(python, "-c", code, json.dumps(names), cwd=work))
    assert not {name: lacks for name, lacks in missing.items() if lacks.startswith("layeralgebra")}
    if missing:
        pytest.skip(f"modules that need what is not installed: {missing}")


def test_the_readme_runs_from_the_wheel(elsewhere):
    python, work = elsewhere
    run(python, "-P", ROOT / "tests" / "markdown_examples.py", ROOT / "README.md", cwd=work)


def test_the_command_runs_from_the_wheel(elsewhere):
    python, work = elsewhere
    assert "Usage" in run(python.parent / "layeralgebra", "--help", cwd=work)
    assert "Usage" in run(python, "-m", "layeralgebra", "--help", cwd=work)


@pytest.mark.skipif("CI" not in os.environ, reason="downloads the dependencies; set CI=true to run it")
def test_pip_installs_it_into_an_empty_environment(wheel, tmp_path):
    """As a user does: nothing is there but Python, the dependencies come from the package index."""
    home = tmp_path / "environment"
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(home)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", wheel)
    (tmp_path / "layers.py").write_text("MINE = 1\n", encoding="utf-8")
    assert run(python, "-c", "import layeralgebra, layers; print(layers.MINE)", cwd=tmp_path) == "1\n"
    run(python, "-P", ROOT / "tests" / "markdown_examples.py", ROOT / "README.md", cwd=tmp_path)


# ---------------------------------------------------------------- the set-up


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_constraints_are_plain_pins():
    for name, version in pins().items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name) and re.fullmatch(r"[0-9][0-9a-z.]*", version), (name, version)


def test_constraints_meet_what_the_project_asks_for():
    requirements = pytest.importorskip("packaging.requirements")
    names = pytest.importorskip("packaging.utils")
    pinned = {names.canonicalize_name(name): version for name, version in pins().items()}
    extras = PROJECT["project"]["optional-dependencies"]
    for text in [*PROJECT["project"]["dependencies"], *(text for extra in extras.values() for text in extra)]:
        wanted = requirements.Requirement(text)
        version = pinned.get(names.canonicalize_name(wanted.name))
        assert version is None or wanted.specifier.contains(version), f"{text} but {version} is pinned"
        assert version or text not in PROJECT["project"]["dependencies"], f"{text} is not pinned"


@pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="needs make")
def test_make_refuses_an_old_python(tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\ncase $* in *version_info*) echo 'Python 3.9'; exit 1;; esac\nexit 9\n", encoding="utf-8")
    old.chmod(0o755)
    command = ["make", "-s", "-C", str(ROOT), "core", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert made.returncode != 0 and not (tmp_path / "venv").exists()
    assert "3.11" in made.stderr and "PYTHON=" in made.stderr
