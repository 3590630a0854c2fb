"""ONNX's operators read one by one, against ONNX's own reference implementation; files that contradict themselves; batches and outputs."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest

import layeralgebra as la

onnx = pytest.importorskip("onnx")
numpy = pytest.importorskip("numpy")
pytest.importorskip("onnx.reference")
pytest.importorskip("onnx.parser")


def written(tmp_path, text):
    """A file of a model in ONNX's own notation."""
    model = onnx.parser.parse_model(text)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    return model, path


def graph(inputs, outputs, body, opset=18):
    return f'<ir_version: 8, opset_import: ["": {opset}]> g ({inputs}) => ({outputs}) {{ {body} }}'


def drawn(model, seed=0):
    """Numbers for the inputs of a model."""
    source = numpy.random.default_rng(seed)
    made = {}
    for entry in model.graph.input:
        kind = numpy.dtype(onnx.helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type))
        shape = [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
        if kind.kind == "b":
            made[entry.name] = source.integers(0, 2, shape).astype(bool)
        elif numpy.issubdtype(kind, numpy.integer):
            made[entry.name] = source.integers(0, 3, shape).astype(kind)
        else:
            made[entry.name] = source.normal(size=shape).astype(kind)
    return made


def agrees(model, path, **options):
    """Shapes and numbers of the network, one example after the other, are those of the reference implementation."""
    data = drawn(model)
    right = onnx.reference.ReferenceEvaluator(model).run(None, data)
    net = la.from_onnx(path, **options)
    report = net.imported
    assert [tuple(shape) for shape in report.outputs.values()] == [array.shape for array in right]
    batches = {int(size) for size in report.batches.values()} - {1}
    assert len(batches) < 2
    for place in range(next(iter(batches), 1)):
        given = []
        for name in report.inputs:
            array = data[name]
            if name in report.batches:
                array = array[place if report.batches[name] != 1 else 0]
            given.append(array.reshape(array.shape or (1,)))
        found = la.run(net, given[0] if len(given) == 1 else given)
        wanted = [array[place] if batches else array for array in right]
        flat = numpy.concatenate([numpy.asarray(array).reshape(-1) for array in wanted]).astype(float)
        assert numpy.allclose(numpy.asarray(found).reshape(-1).astype(float), flat, rtol=1e-4, atol=1e-5)


ONE = "float[2,3,4] x"
IMAGE = "float[1,2,7,6] x"
OPERATORS = {
    "trigonometric": graph(ONE, "float[2,3,4] y", "a = Tan(x) b = Atan(a) c = Sinh(b) d = Asinh(c) y = Cosh(d)"),
    "rounded": graph(ONE, "float[2,3,4] y", "a = Floor(x) b = Ceil(x) c = Round(x) d = Sign(x) y = Sum(a, b, c, d)"),
    "selu and celu": graph(ONE, "float[2,3,4] y", "a = Selu(x) b = Celu<alpha=0.5>(a) y = ThresholdedRelu<alpha=0.3>(b)"),
    "shrink": graph(ONE, "float[2,3,4] y", "a = Shrink<bias=0.2, lambd=0.4>(x) y = Softsign(a)"),
    "extremes": graph("float[2,3] x, float[3] z", "float[2,3] y", "a = Max(x, z) b = Min(x, z, a) y = Mean(a, b, x)"),
    "comparisons": graph("float[2,3] x, float[2,3] z", "float[2,3] y", "c = GreaterOrEqual(x, z) y = Where(c, x, z)"),
    "logic": graph("bool[2,3] x, bool[3] z", "bool[2,3] y", "a = Xor(x, z) b = Not(a) y = And(b, x)"),
    "integer quotient": graph("int64[4] x, int64[4] w", "int64[4] y", "o = Constant<value_ints=[1]>() d = Add(w, o) n = Neg(x) y = Div(n, d)"),
    "remainders": graph("float[2,3] x, float[2,3] z", "float[2,3] y", "a = Mod<fmod=1>(x, z) y = Add(a, x)"),
    "powers": graph("float[2,3] x, float[2,3] z", "float[2,3] y", "a = Abs(x) y = Pow(a, z)"),
    "leaky slopes": graph("float[2,3,4] x, float[3,1] s", "float[2,3,4] y", "y = PRelu(x, s)"),
    "logarithmic softmax": graph(ONE, "float[2,3,4] y", "y = LogSoftmax<axis=1>(x)"),
    "hard maximum": graph(ONE, "float[2,3,4] y", "y = Hardmax<axis=0>(x)"),
    "positions of maxima": graph(ONE, "int64[2,4] y", "y = ArgMax<axis=1, keepdims=0>(x)"),
    "running sums": graph(ONE, "float[2,3,4] y", "a = Constant<value_int=2>() y = CumSum<reverse=1, exclusive=1>(x, a)"),
    "norms": graph(ONE, "float[2,1,4] y", "a = Constant<value_ints=[1]>() y = ReduceL2(x, a)"),
    "logarithm of sums": graph(ONE, "float y", "y = ReduceLogSumExp<keepdims=0>(x)"),
    "products": graph(ONE, "float[2,3] y", "a = Constant<value_ints=[-1]>() y = ReduceProd<keepdims=0>(x, a)"),
    "dilated mean": graph(IMAGE, "float[1,2,4,3] y", "y = AveragePool<kernel_shape=[2,2], dilations=[3,3]>(x)", 19),
    "margins that differ": graph(IMAGE, "float[1,2,4,3] y", "y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,0,2,1]>(x)"),
    "same margins": graph(IMAGE, "float[1,2,7,6] y", "y = MaxPool<kernel_shape=[3,2], auto_pad=\"SAME_LOWER\">(x)"),
    "norm pooling": graph(IMAGE, "float[1,2,3,3] y", "y = LpPool<kernel_shape=[3,2], strides=[2,2], p=2>(x)"),
    "computed kernel": graph("float[1,2,6] x, float[4,1,3] w, float[4] b", "float[1,4,4] y", "y = Conv<group=2>(x, w, b)"),
    "transposed, cropped unevenly": graph("float[1,2,4] x, float[2,3,3] w", "float[1,3,8] y", "y = ConvTranspose<strides=[2], pads=[0,1]>(x, w)"),
    "general product": graph("float[3,4] x, float[5,3] w, float[4,1] c", "float[4,5] y", "y = Gemm<alpha=0.5, beta=0.25, transA=1, transB=1>(x, w, c)"),
    "sums of products": graph("float[3,3] x", "float[3] y", 'y = Einsum<equation="ii->i">(x)'),
    "margins of a value": graph("float[2,3] x", "float[2,6] y", "p = Constant<value_ints=[0,1,0,2]>() v = Constant<value_float=1.5>() y = Pad(x, p, v)"),
    "mirrored margins": graph("float[2,4] x", "float[2,7] y", "p = Constant<value_ints=[0,1,0,2]>() y = Pad<mode=\"reflect\">(x, p)"),
    "parts backwards": graph(ONE, "float[2,3,2] y", "s = Constant<value_ints=[3]>() e = Constant<value_ints=[-5]>() a = Constant<value_ints=[2]>() t = Constant<value_ints=[-2]>() y = Slice(x, s, e, a, t)"),
    "repeated": graph("float[2,3] x", "float[4,9] y", "r = Constant<value_ints=[2,3]>() y = Tile(x, r)"),
    "looked up": graph("float[2,3,4] x, int64[2,2] i", "float[2,2,2,4] y", "y = Gather<axis=1>(x, i)"),
    "looked up alike": graph("float[3,3] x, int64[2,3] i", "float[2,3] y", "y = GatherElements<axis=0>(x, i)"),
    "looked up together": graph("float[3,3,2] x, int64[4,2] i", "float[4,2] y", "y = GatherND(x, i)"),
    "triangles": graph("float[2,4,4] x", "float[2,4,4] y", "k = Constant<value_int=1>() y = Trilu<upper=0>(x, k)"),
    "depth to space": graph("float[1,8,2,3] x", "float[1,2,4,6] y", "y = DepthToSpace<blocksize=2>(x)"),
    "rounded to few bits": graph("float[2,3] x, float s, uint8 z", "float[2,3] y", "a = Abs(s) q = QuantizeLinear(x, a, z) y = DequantizeLinear(q, a, z)", 19),
    "products of few bits": graph("uint8[2,3] x, uint8[3,2] w, uint8 a, uint8 b", "int32[2,2] y", "y = MatMulInteger(x, w, a, b)"),
    "long short-term memory": graph("float[3,2,4] x, float[1,20,4] w, float[1,20,5] r, float[1,40] b", "float[3,1,2,5] y, float[1,2,5] h, float[1,2,5] c",
                                    "y, h, c = LSTM<hidden_size=5>(x, w, r, b)", 14),
    "gated unit": graph("float[3,2,4] x, float[1,15,4] w, float[1,15,5] r", "float[1,2,5] h", "y, h = GRU<hidden_size=5, linear_before_reset=1>(x, w, r)", 14),
    "resized": graph("float[1,1,3,4] x", "float[1,1,6,6] y", "e = Constant<value_floats=[1.0,1.0,2.0,1.5]>() n = Constant<value_floats=[1.0]>() y = Resize<mode=\"linear\">(x, , e)"),
    "two outputs": graph("float[2,6] x", "float[2,2] y, float[2,4] z", "s = Constant<value_ints=[2,4]>() y, z = Split<axis=1>(x, s)"),
    "old parts": graph("float[4,5] x", "float[2,5] y", "y = Slice<starts=[1], ends=[3], axes=[0]>(x)", 9),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_the_reference(tmp_path, name):
    agrees(*written(tmp_path, OPERATORS[name]))


def test_softmax_before_version_13_runs_over_all_axes_from_its_own_on(tmp_path):
    _, path = written(tmp_path, graph(ONE, "float[2,3,4] y", "y = Softmax(x)", 11))
    data = numpy.random.default_rng(0).normal(size=(3, 4))
    raised = numpy.exp(data)
    assert numpy.allclose(la.run(la.from_onnx(path), data), raised / raised.sum())


# batches -------------------------------------------------------------------------------------------------------------


def test_a_leading_axis_is_a_batch_only_where_every_operator_leaves_it_alone(tmp_path):
    _, path = written(tmp_path, graph("float[2,5] x, float[2,5] z", "float[4,5] y", "y = Concat<axis=0>(x, z)"))
    assert tuple(la.output_shape(la.from_onnx(path))) == (4, 5)
    with pytest.raises(la.UnsupportedError, match="no batch"):
        la.from_onnx(path, batch=True)
    _, path = written(tmp_path, graph("float[2,5] x, float[2,5] z", "float[2,10] y", "y = Concat<axis=1>(x, z)"))
    assert tuple(la.output_shape(la.from_onnx(path))) == (10,)
    assert tuple(la.output_shape(la.from_onnx(path, batch=False))) == (2, 10)


def test_a_symbolic_leading_axis_stays_where_an_operator_works_across_it(tmp_path):
    _, path = written(tmp_path, graph("float[N,5] x", "float[5] y", "y = ReduceSum<keepdims=0, axes=[0]>(x)", 11))
    net = la.from_onnx(path)
    assert tuple(net.args[0].shape)[0] == la.dims("N") if hasattr(net.args[0], "shape") else True
    assert la.derive("flops", net).symbols == (la.dims("N"),)


def test_vectors_and_single_numbers_are_whole(tmp_path):
    agrees(*written(tmp_path, graph("float[4] x, float z", "float[4] y", "y = Add(x, z)")))


# attributes and contradictions ---------------------------------------------------------------------------------------

REFUSED = {
    "unknown attribute": (graph(IMAGE, "float[1,2,6,5] y", "y = MaxPool<kernel_shape=[2,2], padt=[1,1]>(x)"), "padt"),
    "kernel of another size": (
        graph("float[1,4,8] x", "float[1,4,6] y", "w = Constant<value=float[4,4,3] {" + ",".join(["0.0"] * 48) + "}>() y = Conv<kernel_shape=[5]>(x, w)"), "kernel_shape"),
    "weight of fewer channels": (
        graph("float[1,4,8] x", "float[1,4,6] y", "w = Constant<value=float[4,3,3] {" + ",".join(["0.0"] * 36) + "}>() y = Conv(x, w)"), "48|36|channels|extent"),
    "recorded shape": (graph("float[1,4,8] x", "float[1,4,9] y", "y = Relu(x)"), "records"),
    "shape of the data": (graph("float[3] x", "int64[1,n] y", "y = NonZero(x)"), "depends on the data"),
    "training": (graph("float[2,3] x, float[3] s, float[3] b, float[3] m, float[3] v", "float[2,3] y, float[3] n, float[3] w",
                       "y, n, w = BatchNormalization<training_mode=1>(x, s, b, m, v)"), "training"),
    "axis that is not there": (graph("float[2,3] x", "float[2,3] y", "y = Softmax<axis=5>(x)"), "axis 5"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_contradicts_itself_is_refused_by_name(tmp_path, name):
    text, message = REFUSED[name]
    _, path = written(tmp_path, text)
    with pytest.raises(la.LayerAlgebraError, match=message):
        la.from_onnx(path)


def test_every_attribute_is_read_or_refused(tmp_path):
    from layeralgebra.layers.onnx.attributes import Attributes

    node = onnx.helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], ceil_mode=1, storage_order=0)
    attributes = Attributes(onnx, node)
    assert attributes["kernel_shape"] == [2, 2]
    with pytest.raises(la.UnsupportedError, match="ceil_mode=1"):
        attributes.check_read(onnx, node, 12, "here")
    attributes.get("ceil_mode")
    attributes.check_read(onnx, node, 12, "here")


# outputs, values and the report --------------------------------------------------------------------------------------

HEADS = graph(
    "float[1,3] x", "float[1,4] y, float[1,2] z",
    "u = Constant<value=float[3,4] {" + ",".join(["1.0"] * 12) + "}>() v = Constant<value=float[3,2] {" + ",".join(["1.0"] * 6)
    + "}>() w = Constant<value=float[3,5] {" + ",".join(["1.0"] * 15) + "}>() y = MatMul(x, u) z = MatMul(x, v) n = MatMul(x, w)",
)  # fmt: skip


def test_all_outputs_are_read_unless_some_are_asked_for(tmp_path):
    _, path = written(tmp_path, HEADS)
    both = la.from_onnx(path)
    assert la.parameters(both) == 12 + 6 and tuple(la.output_shape(both)) == (6,)
    assert both.imported.unused == {"w": 15} and set(both.imported.counted) == {"u", "v"}
    one = la.from_onnx(path, outputs="z")
    assert la.parameters(one) == 6 and one.imported.unused == {"u": 12, "w": 15}
    with pytest.raises(la.FieldError, match="no output 'q'"):
        la.from_onnx(path, outputs="q")


def test_values_stand_in_for_inputs_that_shapes_depend_on(tmp_path):
    model, path = written(
        tmp_path, graph("float[2,3,4] x, int64[1] axes", "float[2,3] y", "y = ReduceSum<keepdims=0>(x, axes)")
    )
    with pytest.raises(la.UnsupportedError, match=r"values=\{'axes'"):
        la.from_onnx(path)
    net = la.from_onnx(path, values={"axes": [2]})
    assert net.imported.inputs == ("x",) and tuple(la.output_shape(net)) == (3,)
    with pytest.raises(la.FieldError, match="no input 'axis'"):
        la.from_onnx(path, values={"axis": [2]})


def test_choices_and_loops_that_are_known_are_written_out(tmp_path):
    body = onnx.parser.parse_graph(
        "b (int64 i, bool c, float[3] s) => (bool d, float[3] t, float[3] u) { d = Identity(c) t = Add(s, s) u = Neg(t) }"
    )
    x, y, z = (
        onnx.helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", [3]), ("y", [3]), ("z", [4, 3]))
    )
    nodes = [
        onnx.helper.make_node("Constant", [], ["n"], value_int=4),
        onnx.helper.make_node("Loop", ["n", "", "x"], ["y", "z"], body=body),
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "g", [x], [y, z]), opset_imports=[onnx.helper.make_opsetid("", 18)]
    )
    onnx.save(model, tmp_path / "model.onnx")
    net = la.from_onnx(tmp_path / "model.onnx")
    found = la.run(net, [1, 2, 3])
    assert found[:3].tolist() == [16, 32, 48] and found[3:].tolist() == [
        -2,
        -4,
        -6,
        -4,
        -8,
        -12,
        -8,
        -16,
        -24,
        -16,
        -32,
        -48,
    ]


def test_functions_of_the_file_are_written_out(tmp_path):
    text = (
        '<ir_version: 8, opset_import: ["": 18, "own": 1]> g (float[2,3] x) => (float[2,3] y) { y = own.twice(x) } '
        '<domain: "own", opset_import: ["": 18]> twice (a) => (b) { b = Add(a, a) }'
    )
    _, path = written(tmp_path, text)
    assert la.run(la.from_onnx(path), [1, 2, 3]).tolist() == [2, 4, 6]


# damaged files -------------------------------------------------------------------------------------------------------


def test_a_sum_that_is_none_does_not_reach_the_inference_of_shapes(tmp_path, time_limit):
    model = onnx.parser.parse_model(
        graph("float[2,3] x, float[3,2] w", "float[2,2] y", 'y = Einsum<equation="ij,jk->ik">(x, w)')
    )
    model.graph.node[0].attribute[0].s = b"ij, jk$-> ik"
    onnx.save(model, tmp_path / "model.onnx")
    with time_limit(20), pytest.raises(la.FileError, match="Einstein"):
        la.from_onnx(tmp_path / "model.onnx")


def test_damaged_bytes_end_in_errors_of_our_own(tmp_path):
    source, path = random.Random(3), tmp_path / "model.onnx"
    models = [onnx.parser.parse_model(OPERATORS[name]).SerializeToString() for name in sorted(OPERATORS)]
    for _ in range(150):
        damaged = bytearray(source.choice(models))
        for _ in range(source.choice((1, 1, 2))):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        path.write_bytes(damaged)
        try:
            la.from_onnx(path)
        except la.LayerAlgebraError:
            pass


# everything that ONNX ships ------------------------------------------------------------------------------------------


def benchmark():
    path = Path(__file__).resolve().parent.parent / "benchmarks" / "import_onnx.py"
    spec = importlib.util.spec_from_file_location("benchmark_import_onnx", path)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("category", "least"), [("pytorch-converted", 82), ("pytorch-operator", 35), ("light", 9), ("node", 1500)]
)
def test_the_models_that_onnx_ships(category, least):
    found = benchmark().swept(category)
    row = benchmark().row(category, found)
    assert row["imported"] >= min(least, row["files"]) and row["wrong"] == row["raw exceptions"] == 0, row


def counted(path):
    """Products of a file as ONNX defines its operators, from the shapes that ONNX finds."""
    model = onnx.load(str(path))
    found = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        entry.name: [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
        for entry in (*found.value_info, *found.output, *found.input)
    }
    shapes.update({tensor.name: list(tensor.dims) for tensor in model.graph.initializer})
    shapes.update({node.output[0]: shapes.get(node.output[0], []) for node in model.graph.node})
    products = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            products += int(numpy.prod(shapes[node.output[0]][1:])) * int(numpy.prod(shapes[node.input[1]][1:]))
        elif node.op_type == "Gemm":
            products += int(numpy.prod(shapes[node.input[1]]))
    return products


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "bvlc_alexnet",
        "densenet121",
        "inception_v1",
        "inception_v2",
        "resnet50",
        "shufflenet",
        "squeezenet",
        "vgg19",
        "zfnet512",
    ],
)
def test_light_networks_have_the_products_of_their_operators(name):
    path = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"light_{name}.onnx"
    if not path.is_file():
        pytest.skip("this version of onnx ships no light models")
    assert la.macs(la.from_onnx(path)) == counted(path)
