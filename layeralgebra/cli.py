"""The command line: reads arguments, prints what the commands say, turns errors into one line and exit status 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from . import LayerAlgebraError, __version__
from .algebra.arguments import missing_extra
from .commands import completion
from .commands.terminal import PRINTED, Answer, complain, show, width


class _Group(TyperGroup):
    """Commands whose errors are one clear line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LayerAlgebraError as error:
            self._end(ctx, error, str(error))
        except ModuleNotFoundError as error:
            if (missing := missing_extra(error)) is None:
                self._end(ctx, error, f"this needs {error.name}, which is not installed")
            self._end(ctx, error, str(missing))
        except BrokenPipeError:
            _abandon(sys.stdout)
            raise typer.Exit(141) from None  # as of a program that the signal ends
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            _abandon(sys.stdout)
            self._end(ctx, error, f"{name}{error.strerror or error}")
        except RecursionError as error:
            self._end(ctx, error, "this is nested more deeply than Python goes; write it flatter")
        except MemoryError as error:
            self._end(ctx, error, "there is not enough memory for this; ask for smaller sizes")
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("click", "typer"):
                _misused(error)
                raise
            what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            self._end(ctx, error, f"{what} (a fault of layeralgebra; layeralgebra --traceback COMMAND shows where)", 70)

    def make_context(self, *args: Any, **words: Any) -> Any:
        try:
            return super().make_context(*args, **words)
        except Exception as error:
            _misused(error)
            raise

    def _end(self, ctx: Any, error: BaseException, message: str, status: int = 2) -> None:
        if ctx.params.get("traceback"):
            raise error
        complain(message)
        raise typer.Exit(status) from None

    def main(self, *args: Any, **words: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # what an encoding lacks is spelled out
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **words)
        finally:
            try:
                if sys.stdout is not None:
                    sys.stdout.flush()
            except ValueError:  # closed
                pass
            except OSError as error:
                _abandon(sys.stdout)
                if not isinstance(error, BrokenPipeError):
                    complain(f"standard output: {error.strerror}")
                    sys.exit(2)


def _misused(error: Any) -> None:
    """End with one line where words of the command line are wrong; a help screen and other ends are left to who shows them."""
    if not hasattr(error, "format_message") or "\n" in (message := error.format_message()):
        return
    context = getattr(error, "ctx", None)
    asking = f" (see {context.command_path} --help)" if context is not None else ""
    complain(message.rstrip(".") + asking)
    raise typer.Exit(error.exit_code) from None


def _abandon(stream: Any) -> None:
    """What is left in the buffer of a stream that takes no more is thrown away, so that the end of the program is silent."""
    try:
        stream.flush()
    except (OSError, ValueError):
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):
            pass
    except AttributeError:  # there is none
        pass


class _Command(TyperCommand):
    """A command whose ``--json`` and ``--csv`` print, or write the file that is named behind them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        found, rest = [], list(args)
        while rest:
            word = rest.pop(0)
            if word == "--":
                found += [word, *rest]
                break
            if word in ("--json", "--csv"):
                word = f"{word}={rest.pop(0) if rest and rest[0].lower().endswith(f'.{word[2:]}') else PRINTED}"
            found.append(word)
        return super().parse_args(ctx, found)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    help="Closed formulas of neural-network architectures: parameters, operations, shapes, receptive fields.",
)


SWEEP = """\
model = "resnet50"                  # or FILE.py:NAME
metrics = ["parameters", "macs"]
mode = "grid"                       # or zip, random

[set]                               # names become symbols
base_width = "c"
height = "R"
width = "R"

[over]                              # every symbol: a list, or a range
c = { start = 16, stop = 64, step = 16 }
R = [160, 192, 224]
"""
"""A file for `sweep`; with ``to = "FILE.csv"`` (.nc, .zarr, .parquet) the table is written there."""


def _examples(*lines: str) -> str:
    """The end of a help screen."""
    return "\b\nExamples:\n" + "\n".join(f"  layeralgebra {line}" for line in lines)


def _answer(
    command: str, answers: Iterable[Answer], as_json: str | None, as_csv: str | None, overwrite: bool = False
) -> None:
    """Print, with exit status 1 where what was asked for does not hold."""
    if not show(command, answers, as_json, as_csv, overwrite):
        raise typer.Exit(1)


def _version(asked: bool) -> None:
    if asked:
        print(f"layeralgebra {__version__}")
        raise typer.Exit()


#: Options that several commands have.
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", "-m", metavar="NAMES", autocompletion=completion.metrics,
        help="What to derive: macs,depth; layeralgebra list metrics.",
    ),
]  # fmt: skip
Sizes = Annotated[list[str] | None, typer.Option("--at", metavar="SIZES", help="Evaluate at these sizes: H=224,W=224.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")]
NodeByNode = Annotated[bool, typer.Option("--node-by-node", help="A table of all nodes.")]
Json = Annotated[str | None, typer.Option("--json", metavar="[FILE]", help="Print JSON, or write it into FILE.json.")]
Csv = Annotated[str | None, typer.Option("--csv", metavar="[FILE]", help="Print CSV, or write it into FILE.csv.")]
On = Annotated[str | None, typer.Option("--on", metavar="SHAPE", help="What enters a network without Input: 3,H,W.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELDS", help="Fields as integers, symbols or tuples: height=H,depths=(3,4,n,3)."),
]
NetworkOrFile = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK", autocompletion=completion.networks,
        help="A published network (layeralgebra list networks), or FILE.py:NAME, a layer, network or function in a file of yours, which "
        "is run.",
    ),
]  # fmt: skip


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error comes from.")] = False,
) -> None:
    """Closed formulas of neural-network architectures: parameters, operations, shapes, receptive fields."""


@app.command(
    "list", cls=_Command, short_help="List networks, layers, metrics and laws.",
    epilog=_examples("list metrics", "list layers conv", "list networks mobile --json"),
)  # fmt: skip
def list_names(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            autocompletion=completion.kinds,
            help="networks, layers, metrics or laws; all, if left out.",
        ),
    ] = None,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS]...", help="Only those with these words in name or summary.")
    ] = None,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:
    """List networks, layers, metrics and laws, each in a line, with its source."""
    from .commands import catalogue as command

    _answer("list", command.run(kind, words or (), width()), as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="Derive formulas of a network, and evaluate them.",
    epilog=_examples(
        "derive resnet50 --set height=H,width=W --at H=224,W=224", "derive vit_b_16 -m macs,depth --stage-by-stage",
        "derive gpt2 --training --batch B --set depth=L", "derive gpt2 --memory --recompute block --set depth=L",
        "derive gpt2 --decode --prompt 1000 --tokens n", "derive my_layers.py:MyLayer --on c,H,W --json",
    ),
)  # fmt: skip
def derive(
    model: NetworkOrFile = "resnet50",
    metric: Metrics = None,
    at: Sizes = None,
    changes: Changes = None,
    on: On = None,
    stage_by_stage: Annotated[bool, typer.Option("--stage-by-stage", help="A table of the stages.")] = False,
    node_by_node: NodeByNode = False,
    effective: Annotated[
        bool, typer.Option("--effective", help="Leave out work on padding and masked points, where a metric can.")
    ] = False,
    training: Annotated[
        bool, typer.Option("--training", help="The work of one training step: training_macs, training_flops.")
    ] = False,
    memory: Annotated[
        bool,
        typer.Option(
            "--memory", help="The bytes of training: saved_activations, peak_memory of a step, optimizer_memory."
        ),
    ] = False,
    recompute: Annotated[
        str | None,
        typer.Option(
            "--recompute", metavar="WHAT", autocompletion=completion.recomputing,
            help="With --training or --memory, what the backward pass computes again: none, selective, block.",
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="SIZE", help="With --training or --memory, the examples of a step: 32 or B."),
    ] = None,
    decode: Annotated[
        bool,
        typer.Option("--decode", help="A prompt at once, then tokens one by one: MACs, or one --metric; the cache."),
    ] = False,
    prompt: Annotated[
        str | None, typer.Option("--prompt", metavar="SIZE", help="With --decode, the tokens of the prompt: 1000 or P.")
    ] = None,
    tokens: Annotated[
        str | None, typer.Option("--tokens", metavar="SIZE", help="With --decode, the tokens after it: 24 or n.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--form", metavar="FORM", autocompletion=completion.forms,
            help="shortest, expanded, factored, collected or given.",
        ),
    ] = "shortest",
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="SYMBOLS", help="With --form collected, by what, outermost first."),
    ] = None,
    latex: Annotated[Path | None, typer.Option("--latex", metavar="FILE", help="Write a LaTeX document.")] = None,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Derive the formulas of a network, and evaluate them."""
    from .commands import derive as command

    answers = command.run(
        model, metric or (), at or (), changes or (), on, latex, stage_by_stage, node_by_node, effective, width(), form, by,
        training, recompute, batch, memory, decode, prompt, tokens,
    )  # fmt: skip
    _answer("derive", answers, as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="Compare published networks.",
    epilog=_examples("compare resnet18 resnet50 vgg16", "compare resnet18,vgg11 --set resolution=160", "compare --csv figures.csv"),
)  # fmt: skip
def compare(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NETWORKS]...", autocompletion=completion.networks,
            help="Published networks; without names, those with piecewise-linear layers.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every network of the zoo.")] = False,
    d: Annotated[
        int | None,
        typer.Option("--dimension", "-d", metavar="D", help="The dimension of a slice in which the data lies."),
    ] = None,
    surrogate: Annotated[
        str,
        typer.Option(
            "--surrogate", metavar="NAME", autocompletion=completion.surrogates,
            help="What stands in for functions without affine pieces: relu, hard_tanh, affine.",
        ),
    ] = "relu",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELDS", help="Hyperparameters that all of them have: resolution=160."),
    ] = None,
    latex: Annotated[
        Path | None, typer.Option("--latex", metavar="FILE", help="Write a LaTeX document with a booktabs table.")
    ] = None,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Compare published networks: size, work, complexity, intrinsic power, VC bounds, accuracy."""
    from .commands import compare as command

    answers = command.run(models or (), everything, d, surrogate, changes or (), latex, width())
    _answer("compare", answers, as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="Prove the laws of the algebra.",
    epilog=_examples("prove nested_floor", "prove 'receptive_field*' --route z3", "prove my_laws.py::my_law --json"),
)  # fmt: skip
def prove(
    laws: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LAWS]...", autocompletion=completion.laws,
            help="Laws, patterns such as 'receptive_field*', or FILE.py::NAME, in a file of yours, which is run; all, if left out.",
        ),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            "--route", "-r", metavar="ROUTE", autocompletion=completion.routes,
            help="Only this one: ring, field, galois, induction, normal_form, z3, cvc5, coq.",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FOLDER", help="Write SMT-LIB 2, Coq and a LaTeX appendix of proofs."),
    ] = None,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Prove the laws of the algebra; exit status 1 if one is refuted or left undecided."""
    from .commands import prove as command

    _answer("prove", command.run(laws or (), route or (), export, width()), as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="Write a formula as a Coq file that proves it.",
    epilog=_examples("certify gpt2 --metric macs --set depth=L,context=T -o gpt2.v", "certify my_layers.py:MyLayer --on c,H,W -o mine.v"),
)  # fmt: skip
def certify(
    model: NetworkOrFile,
    metric: Annotated[
        str,
        typer.Option(
            "--metric", "-m", metavar="NAME", autocompletion=completion.metrics,
            help="parameters, macs, output_shape, or flops for multiplies and adds.",
        ),
    ] = "macs",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The Coq file.")] = Path("certificate.v"),
    changes: Changes = None,
    on: On = None,
    check: Annotated[bool, typer.Option("--check", help="Have coqc check it; exit status 1 if it is not proved.")] = False,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Write a formula as a Coq file that states the equations of the network and proves the formula for all sizes."""
    from .commands import certify as command

    _answer(
        "certify",
        command.run(model, metric, output, changes or (), on, check, overwrite, width()),
        as_json,
        as_csv,
        overwrite,
    )


@app.command(
    cls=_Command,
    short_help="Evaluate formulas over many sizes.",
    epilog="\b\nA whole file:\n"
    + "\n".join("  " + line if line else "\n\b" for line in SWEEP.splitlines())
    + "\n\n"
    + _examples("sweep widths.toml", "sweep widths.toml --csv widths.csv"),
)
def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="What to evaluate, and where.")],
    progress: Annotated[bool, typer.Option("--progress", help="Show a progress bar.")] = False,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:
    """Evaluate formulas over grids, lists or random samples of sizes."""
    from .commands import sweep as command

    _answer("sweep", command.run(file, progress, overwrite), as_json, as_csv, overwrite)


@app.command(
    "import", cls=_Command, short_help="Import a model from ONNX, PyTorch, Keras or JAX.",
    epilog=_examples(
        "import model.onnx --node-by-node", "import models.py:make_model --shape 3,H,W --at H=224,W=224",
    ),
)  # fmt: skip
def import_model(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="FILE.onnx, or FILE.py:NAME, a PyTorch module, a Keras model, a function that returns one, or a JAX function; the file "
            "is run.",
        ),
    ],
    shape: Annotated[
        str | None,
        typer.Option(
            "--shape", metavar="SHAPE",
            help="Of one example for PyTorch, of the array that a JAX function takes: 3,224,224 or 3,H,W.",
        ),
    ] = None,
    at: Sizes = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SIZES", help="Named dimensions of an ONNX file, or where names in --shape are traced."
        ),
    ] = None,
    metric: Metrics = None,
    node_by_node: NodeByNode = False,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Import a model from ONNX, PyTorch, Keras or JAX, and derive its formulas."""
    from .commands import import_model as command

    answers = command.run(model, at or (), shape, changes or (), metric or (), node_by_node, width())
    _answer("import", answers, as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="Check a layer against enumeration and the laws.",
    epilog=_examples("check Conv", "check my_layers.py::MyLayer --on 3,8,8", "check my_layers.py --json"),
)  # fmt: skip
def check(
    model: Annotated[
        str,
        typer.Argument(
            metavar="LAYER", autocompletion=completion.layers,
            help="FILE.py::NAME, or FILE.py for all its layers; the file is run. Or a layer of the library.",
        ),
    ],
    on: Annotated[
        str | None, typer.Option("--on", metavar="SHAPE", help="What enters the layer, in integers: 3,8,8.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", "-n", min=1, metavar="N", help="How many samples each part takes.")
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Compile its LaTeX too, where pdflatex is installed.")] = False,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Check a layer: its equation by enumeration, its claims, the laws; exit status 1 if one is refuted."""
    from .commands import check as command

    _answer("check", command.run(model, on, examples, latex, width()), as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="Write a web page about a network.",
    epilog=_examples("report resnet50 out", "report my_layers.py:MyLayer out --on c,H,W"),
)  # fmt: skip
def report(
    model: NetworkOrFile,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where it is written; made if it is not there.")],
    at: Sizes = None,
    changes: Changes = None,
    on: On = None,
    metric: Metrics = None,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a web page about a network, which computes its numbers again when sizes are changed.

    A published network has a symbol for every size unless --set is given.
    """
    from .commands import report as command

    answers = command.run(model, folder, at or (), changes or (), on, metric or (), overwrite)
    _answer("report", answers, as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="ResNet-50 in symbols, and a layer from its equation.",
    epilog=_examples("demo", "demo --latex documents"),
)  # fmt: skip
def demo(
    latex: Annotated[
        Path, typer.Option("--latex", metavar="FOLDER", help="The folder for the LaTeX documents.")
    ] = Path("out"),
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:
    """ResNet-50 with symbolic sizes, then a layer from its equation alone."""
    from .commands import demo as command

    _answer("demo", command.run(latex, width()), as_json, as_csv, overwrite)


@app.command(
    cls=_Command, short_help="Where classical architectures spend their capacity.",
    epilog=_examples("capacity", "capacity --task 'long memory' --length 64 --csv"),
)  # fmt: skip
def capacity(
    tasks: Annotated[
        list[str] | None,
        typer.Option("--task", metavar="NAMES", help="A task such as 'long memory', or several with commas."),
    ] = None,
    architectures: Annotated[
        list[str] | None,
        typer.Option("--architecture", metavar="NAMES", help="An architecture, or several with commas."),
    ] = None,
    length: Annotated[
        int, typer.Option("--length", metavar="N", help="How many past values: a power of two from 16.")
    ] = 32,
    starts: Annotated[int, typer.Option("--starts", metavar="N", min=1, help="Random starts of each fit.")] = 2,
    as_json: Json = None,
    as_csv: Csv = None,
    overwrite: Overwrite = False,
) -> None:
    """Where classical architectures spend their capacity on Gaussian-process tasks, and what they lose."""
    from .commands import capacity as command

    _answer(
        "capacity", command.run(tasks or (), architectures or (), length, starts, width()), as_json, as_csv, overwrite
    )


if __name__ == "__main__":
    sys.exit(app())
