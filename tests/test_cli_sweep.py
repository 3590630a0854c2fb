"""The command `layeralgebra sweep`: what a TOML file asks for is what the formulas give, and bad files are refused."""

import csv

import pytest

import layeralgebra as la

pytest.importorskip("xarray")
pytest.importorskip("pandas")
from layeralgebra.commands.sweep import run  # noqa: E402

SPEC = """
model = "vgg11"
metrics = ["parameters", "macs"]
to = "out.csv"
[set]
resolution = "R"
[over]
R = { start = 224, stop = 321, step = 32 }
"""


def written(folder, text):
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def test_a_table_holds_what_the_formulas_give(tmp_path):
    run(written(tmp_path, SPEC))
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["R"]) for row in rows] == [224, 256, 288, 320]
    for row in rows:
        net = la.zoo.build("vgg11", resolution=int(row["R"]))
        assert (int(row["parameters"]), int(row["macs"])) == (la.parameters(net), la.macs(net))


def test_without_a_file_the_table_is_shown(tmp_path):
    blocks = run(written(tmp_path, SPEC.replace('to = "out.csv"', "")))
    assert "7609090048" in blocks[-1].text


@pytest.mark.parametrize("text, message", [
    ("model = ", "no TOML"),
    ('model = "vgg11"', "over is missing"),
    (SPEC.replace("vgg11", "vgg12"), "vgg12"),
    (SPEC.replace("out.csv", "out.exe"), "out.exe"),
    (SPEC.replace("step = 32", "step = 0"), "step of 0"),
    (SPEC.replace("start = 224", 'start = "a"'), "write a list of integers"),
    (SPEC.replace("metrics =", "metric ="), "no 'metric'"),
    (SPEC.replace('["parameters", "macs"]', '["parameter"]'), "no metric"),
    (SPEC.replace("R = {", "Q = {"), "R|Q"),
])  # fmt: skip
def test_bad_files(tmp_path, text, message):
    with pytest.raises(la.LayerAlgebraError, match=message):
        run(written(tmp_path, text))
