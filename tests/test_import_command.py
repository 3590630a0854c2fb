"""``layeralgebra import``: what is printed for a file of the user's, and for what is none."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from layeralgebra.cli import app

pytest.importorskip("torch")

MODEL = """
from torch import nn


def make_model():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


number = 3
"""


def run(*arguments):
    return CliRunner().invoke(app, ["import", *arguments])


def test_a_pytorch_model(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MODEL)
    found = run(f"{path}:make_model", "--shape", "3,H,W", "--at", "H=224,W=224")
    assert found.exit_code == 0, found.output
    assert "216*H*W + 80" in found.output and "10 838 096" in found.output and "314" in found.output
    found = run(f"{path}:make_model", "--shape", "3,32,32", "--node-by-node", "-m", "parameters")
    assert found.exit_code == 0 and "Conv" in found.output


def test_an_onnx_file(tmp_path):
    onnx, numpy = pytest.importorskip("onnx"), pytest.importorskip("numpy")
    weight = onnx.numpy_helper.from_array(numpy.zeros((4, 5), dtype=numpy.float32), "w")
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, "T", 4])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    path = tmp_path / "mine.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    found = run(str(path), "--at", "T=7")
    assert found.exit_code == 0 and "20*T" in found.output and "140" in found.output
    assert "140" in run(str(path), "--set", "T=7").output


@pytest.mark.parametrize("arguments", [
    ["nothing.onnx"], ["nothing.py:x", "--shape", "3"], ["model.txt"], ["FILE:make_model"], ["FILE:absent", "--shape", "3,4,4"],
    ["FILE:number", "--shape", "3,4,4"], ["FILE:make_model", "--shape", "3,H,W", "--set", "K=3"], ["FILE:make_model", "--shape", "4,8,8"],
])  # fmt: skip
def test_what_cannot_be_imported(tmp_path, arguments):
    path = tmp_path / "mine.py"
    path.write_text(MODEL)
    found = run(*(argument.replace("FILE", str(path)) for argument in arguments))
    assert found.exit_code == 2 and found.output.startswith("error: ")


def test_a_keras_model(tmp_path):
    pytest.importorskip("oracles.keras_on_torch", exc_type=ImportError)
    path = tmp_path / "mine.py"
    path.write_text(
        "import keras\n\n\ndef make_model():\n    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"
    )
    found = run(f"{path}:make_model")
    assert found.exit_code == 0 and "15" in found.output and "(3,)" in found.output, found.output
    assert run(f"{path}:make_model", "--shape", "4").exit_code == 2
