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
import structure
from structure import module_name as dotted

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["setuptools"]["package-dir"]
FOLDERS = sorted({folder.partition("/")[0] for folder in PACKAGES.values()})
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def run(*command: object, **options: object) -> str:
    made = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=240, **options)
    assert made.returncode == 0, f"{command} gave {made.returncode}\n{made.stdout}\n{made.stderr}"
    return made.stdout


# ---------------------------------------------------------------- what CONTRIBUTING.md names


def files_named(text: str) -> set[str]:
    """Files and folders in a text; a walk names a file by as much of its path as tells it from others."""
    return {name for name in re.findall(r"`([\w/.]+)`", text) if name.endswith((".py", ".pyi", "/"))}


def is_there(name: str) -> bool:
    return (ROOT / name).exists() or any(f"/{path.as_posix()}".endswith(f"/{name}") for path in SOURCES)


def test_the_walks_lead_to_files_that_are_there():
    named = files_named((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) > 60 and [name for name in sorted(named) if "NAME" not in name and not is_there(name)] == []
    assert not is_there("networks/no_such_walk.py") and not is_there("alk.py")


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
    init = ROOT / folder / "__init__.py"
    assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), f"{init} does not say what is in the package"


def test_every_module_compiles_for_the_oldest_python_promised(recwarn):
    oldest = tuple(map(int, re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["project"]["requires-python"]).groups()))
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        compile(source, str(path), "exec", dont_inherit=True)
        ast.parse(source, str(path), feature_version=oldest)
    assert not [str(warning) for warning in recwarn.list if issubclass(warning.category, SyntaxWarning)]


# ---------------------------------------------------------------- who imports whom


SOURCE_TEXTS = structure.read_sources()


def offences(**changed: str) -> list[str]:
    """What is wrong once the modules of these names (``__`` for a dot) have these lines as well."""
    sources = dict(SOURCE_TEXTS)
    for name, lines in changed.items():
        module = f"layeralgebra.{name.replace('__', '.')}"
        text, is_package = sources.get(module, ("", False))
        sources[module] = (f"{text}\n{lines}\n", is_package)
    graph = structure.arrows(sources)
    return [*structure.arrows_up(graph), *structure.circles(graph), *structure.top_level(sources)]


def test_imports_go_one_way():
    assert not offences()


@pytest.mark.parametrize(
    "changed",
    [
        {"algebra__sizes__dims": "from ..networks.layer import Layer"},
        {"algebra__sizes__dims": "def f():\n    from ..networks.layer import Layer"},
        {"algebra__sizes__dims": "if TYPE_CHECKING:\n    from ..networks.layer import Layer"},
        {"algebra__sizes__dims": "from ...layers import Conv"},
        {"algebra__sizes__dims": "from ... import macs"},
        {"algebra__sizes__dims": "import layeralgebra as la"},
        {"algebra__sizes__dims": "from layeralgebra.layers.linear import Linear"},
        {"algebra__metrics__macs": "def f():\n    from ...proofs.law import Law"},
        {"layers__linear": "from ..proofs import check"},
        {"layers__linear": "import algebra"},
        {"cli": "import layers"},
        {"proofs__verdict": "from layeralgebra import cli"},
        {"algebra__sizes__one": "from .two import b", "algebra__sizes__two": "from .one import a"},
        {"algebra__sizes__one": "from .two import b", "algebra__sizes__two": "def f():\n    from .one import a"},
        {"algebra__solving__one": "from . import two", "algebra__solving": 'HANDS_ON = {"one": ["a"]}', "algebra__solving__two": "from ..solving import a"},
        {"algebra__elsewhere": "pass"},
    ],
)  # fmt: skip
def test_an_import_the_wrong_way_is_found(changed):
    assert set(offences(**changed)) - set(offences())


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
