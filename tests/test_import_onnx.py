"""ONNX files imported: random graphs against ONNX's own shape inference, and damaged files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layeralgebra as la

onnx = pytest.importorskip("onnx")
numpy = pytest.importorskip("numpy")
helper, TensorProto = onnx.helper, onnx.TensorProto


class Writer:
    """Writes a small graph over (1, channels, length), and counts parameters and products as ONNX defines its operators."""

    def __init__(self, length=12, dynamic=False):
        self.nodes, self.stored, self.count = [], [], 0
        self.parameters = 0
        self.x, self.shape = "x", [1, 4, length]
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4, "T" if dynamic else length])
        self.contractions = []

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def store(self, *shape, kind=TensorProto.FLOAT, values=None):
        name = self.name()
        numbers = values if values is not None else numpy.zeros(shape, dtype=numpy.float32)
        array = numpy.asarray(numbers, dtype=numpy.int64 if kind == TensorProto.INT64 else numpy.float32)
        self.stored.append(onnx.numpy_helper.from_array(array, name))
        if kind == TensorProto.FLOAT and values is None:
            self.parameters += int(numpy.prod(shape))
        return name

    def node(self, kind, inputs, **attributes):
        out = self.name()
        self.nodes.append(helper.make_node(kind, inputs, [out], name=f"{kind}_{self.count}", **attributes))
        return out

    def step(self, kind, number):
        channels = self.shape[1]
        if kind == "conv":
            weight, bias = self.store(number, channels, 3), self.store(number)
            self.x = self.node("Conv", [self.x, weight, bias], kernel_shape=[3], pads=[1, 1])
            self.shape[1] = number
            self.contractions.append((self.x, channels * 3))
        elif kind == "branch":
            weight = self.store(channels, channels, 1)
            inner = self.node("Conv", [self.x, weight], kernel_shape=[1])
            self.contractions.append((inner, channels))
            self.x = self.node("Add", [self.x, self.node("Relu", [inner])])
        elif kind == "twice":
            weight = self.store(channels, channels, 1)
            for _ in range(2):
                self.x = self.node("Conv", [self.x, weight], kernel_shape=[1])
                self.contractions.append((self.x, channels))
        elif kind == "concat":
            self.x = self.node("Concat", [self.x, self.node("Sigmoid", [self.x])], axis=1)
            self.shape[1] *= 2
        elif kind == "reshape":
            there = self.store(kind=TensorProto.INT64, values=[0, channels * self.shape[2], 1])
            back = self.store(kind=TensorProto.INT64, values=[0, channels, -1])
            self.x = self.node("Reshape", [self.node("Reshape", [self.x, there]), back])
        elif kind == "transpose":
            turned = self.node("Transpose", [self.x], perm=[0, 2, 1])
            weight = self.store(channels, number)
            product = self.node("MatMul", [turned, weight])
            self.contractions.append((product, channels))
            self.x = self.node("Transpose", [product], perm=[0, 2, 1])
            self.shape[1] = number
        elif kind == "pool" and self.shape[2] >= 4:
            self.x = self.node("MaxPool", [self.x], kernel_shape=[2], strides=[2])
            self.shape[2] //= 2

    def model(self):
        output = helper.make_tensor_value_info(self.x, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "random", [self.input], [output], self.stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["conv", "branch", "twice", "concat", "reshape", "transpose", "pool"]), st.integers(1, 6)
    ),
    min_size=1,
    max_size=8,
)


@given(steps=STEPS, length=st.integers(4, 16))
@settings(max_examples=60)
def test_random_graphs(tmp_path_factory, steps, length):
    writer = Writer(length)
    for kind, number in steps:
        writer.step(kind, number)
    if not writer.nodes:
        return
    model = writer.model()
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    onnx.save(model, path)
    net = la.from_onnx(path)
    found = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    inferred = {
        entry.name: [dim.dim_value or 1 for dim in entry.type.tensor_type.shape.dim]
        for entry in (*found.value_info, *found.output)
    }
    assert tuple(la.output_shape(net)) == tuple(inferred[writer.x][1:])
    assert la.parameters(net) == writer.parameters
    assert la.macs(net) == sum(int(numpy.prod(inferred[name])) * fan_in for name, fan_in in writer.contractions)


def test_symbolic_dimensions(tmp_path):
    writer = Writer(dynamic=True)
    for kind in ("conv", "pool", "conv"):
        writer.step(kind, 3)
    onnx.save(writer.model(), tmp_path / "model.onnx")
    T = la.dims("T")
    formula = la.derive("macs", la.from_onnx(tmp_path / "model.onnx"))
    assert formula.symbols == (T,)
    assert formula(T=21) == 3 * 4 * 3 * 21 + 3 * 3 * 3 * 10
    fixed = la.from_onnx(tmp_path / "model.onnx", dimensions={"T": 21})
    assert la.macs(fixed) == formula(T=21)


def test_unknown_operators_are_named(tmp_path):
    writer = Writer()
    writer.step("conv", 3)
    writer.x = writer.node("Unheard", [writer.x, writer.store(kind=TensorProto.INT64, values=1)])
    onnx.save(writer.model(), tmp_path / "model.onnx")
    with pytest.raises(la.UnsupportedError, match="Unheard: 1 time"):
        la.from_onnx(tmp_path / "model.onnx")
    net = la.from_onnx(tmp_path / "model.onnx", operators={"Unheard": lambda shapes, attributes: la.ReLU()})
    assert la.parameters(net) == writer.parameters


# damaged and hostile files -------------------------------------------------------------------------------------------


def good():
    writer = Writer()
    for kind, number in (("conv", 3), ("branch", 2), ("pool", 1)):
        writer.step(kind, number)
    return writer.model()


def changed(function):
    model = good()
    function(model)
    return model.SerializeToString()


def cycle(model):
    model.graph.node[0].input[0] = model.graph.node[-1].output[0]


def negative(model):
    model.graph.initializer[0].dims[0] = -3


def negative_input(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = -4


def no_shape(model):
    model.graph.input[0].type.tensor_type.ClearField("shape")


def dangling(model):
    model.graph.node[0].input[0] = "nowhere"


def twice(model):
    model.graph.node.append(model.graph.node[0])


def no_output(model):
    model.graph.output[0].name = "nowhere"


def truncated_numbers(model):
    tensor = onnx.numpy_helper.from_array(numpy.array([0, 3, -1], dtype=numpy.int64), "shape")
    tensor.raw_data = tensor.raw_data[:5]
    model.graph.initializer.append(tensor)


def foreign(model):
    model.graph.node[0].domain = "evil.example"


HOSTILE = {
    "empty": lambda: b"",
    "text": lambda: b"this is no model at all, only some words " * 50,
    "zeros": lambda: bytes(4096),
    "truncated": lambda: good().SerializeToString()[:-60],
    "cut in half": lambda: good().SerializeToString()[: len(good().SerializeToString()) // 2],
    "length of 2 GiB": lambda: b"\x3a\xff\xff\xff\xff\x07" + b"\x0a\x10",
    "length of 2^63": lambda: b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x0a",
    "cycle": lambda: changed(cycle),
    "negative size": lambda: changed(negative),
    "negative input": lambda: changed(negative_input),
    "no shape": lambda: changed(no_shape),
    "reads nothing": lambda: changed(dangling),
    "written twice": lambda: changed(twice),
    "no output": lambda: changed(no_output),
    "truncated numbers": lambda: changed(truncated_numbers),
    "foreign operators": lambda: changed(foreign),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_damaged_files(tmp_path, time_limit, name):
    path = tmp_path / "model.onnx"
    path.write_bytes(HOSTILE[name]())
    with time_limit(20), pytest.raises(la.LayerAlgebraError) as caught:
        la.from_onnx(path)
    assert len(str(caught.value)) > 10


def test_external_data_are_never_opened(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4 * 3 * 4 * 3))
    folder = tmp_path / "models"
    folder.mkdir()
    model = good()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../secret"), ("offset", "0"), ("length", str(1 << 31))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    secret.chmod(0)
    assert la.parameters(la.from_onnx(path)) == 3 * 4 * 3 + 3 + 9


@pytest.mark.parametrize("path", ["nowhere.onnx", "."])
def test_missing_files(tmp_path, path):
    with pytest.raises(la.LayerAlgebraError):
        la.from_onnx(tmp_path / path)


def test_inference_of_shapes_that_ends_or_hangs_is_refused_and_begun_anew(monkeypatch, tmp_path):
    from layeralgebra.layers.onnx import inference

    text = '<ir_version: 8, opset_import: ["": 17]> relu (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }'
    onnx.save(onnx.parser.parse_model(text), tmp_path / "relu.onnx")
    inference._BESIDE.stop()
    for code in ("import os; os.abort()", "import time; time.sleep(600)"):
        with monkeypatch.context() as patched:
            patched.setattr(inference, "_CODE", code)
            patched.setattr(inference, "LONGEST", 1.0)
            with pytest.raises(la.FileError, match="inference of shapes does not get through"):
                la.from_onnx(tmp_path / "relu.onnx")
    assert la.from_onnx(tmp_path / "relu.onnx") == la.Input(3) >> la.ReLU()


def test_versions_that_are_none_are_refused(tmp_path):
    text = '<ir_version: 8, opset_import: ["": 17]> relu (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }'
    model = onnx.parser.parse_model(text)
    model.opset_import[0].version = 1 << 40
    onnx.save(model, tmp_path / "relu.onnx")
    with pytest.raises(la.FileError, match="version 1099511627776"):
        la.from_onnx(tmp_path / "relu.onnx")
