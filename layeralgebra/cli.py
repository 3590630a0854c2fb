"""The command line: reads arguments, prints what the commands say, turns errors into one line and exit status 2."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from . import LayerAlgebraError, __version__
from .algebra.arguments import missing_extra
from .commands import Block

NARROWEST = 80


class _Group(TyperGroup):
    """Commands whose errors are one clear line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LayerAlgebraError as error:
            Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"error: {error}", style="red"))
            raise typer.Exit(2) from None
        except ModuleNotFoundError as error:
            if (missing := missing_extra(error)) is None:
                raise
            Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"error: {missing}", style="red"))
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Closed formulas of neural-network architectures: parameters, operations, shapes, receptive fields.",
)


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return max(NARROWEST, shutil.get_terminal_size((100, 24)).columns)


def show(blocks: Iterable[Block]) -> None:
    """Print blocks, headings in bold where the terminal knows it, an empty line between them."""
    console = Console(highlight=False, soft_wrap=True)
    for place, block in enumerate(blocks):
        if place:
            console.print()
        if block.heading:
            console.print(Text(block.heading, style="bold"))
        if block.text:
            console.print(Text(block.text))


def _version(asked: bool) -> None:
    if asked:
        print(f"layeralgebra {__version__}")
        raise typer.Exit()


#: Options that several commands have.
Metrics = Annotated[
    list[str] | None, typer.Option("--metric", "-m", help="A metric, or several with commas; may be repeated.")
]
Sizes = Annotated[
    list[str] | None, typer.Option("--at", help="Sizes at which the formulas are evaluated: H=224,W=224.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")]
NodeByNode = Annotated[bool, typer.Option("--node-by-node", help="A table of all nodes.")]


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Closed formulas of neural-network architectures: parameters, operations, shapes, receptive fields."""


@app.command()
def derive(
    model: Annotated[
        str,
        typer.Argument(
            help="A published network such as resnet50, or FILE.py:NAME, a layer, network or function in a file of "
            "yours; the file is run."
        ),
    ] = "resnet50",
    metric: Metrics = None,
    at: Sizes = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Fields or hyperparameters, as integers, symbols, true, false or tuples: "
            "height=H,base_width=c,depths=(3,4,n,3).",
        ),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="The shape that enters a network without Input: 3,H,W.")
    ] = None,
    latex: Annotated[Path | None, typer.Option("--latex", help="Write a LaTeX document.")] = None,
    stage_by_stage: Annotated[bool, typer.Option("--stage-by-stage", help="A table of the stages.")] = False,
    node_by_node: NodeByNode = False,
    effective: Annotated[
        bool, typer.Option("--effective", help="Leave out work on padding and masked points, where a metric can.")
    ] = False,
    form: Annotated[
        str, typer.Option("--form", help="How formulas are written: shortest, expanded, factored, collected or given.")
    ] = "shortest",
    by: Annotated[
        str | None, typer.Option("--by", help="With --form collected: the symbols to collect by, outermost first.")
    ] = None,
) -> None:
    """Derive the formulas of a network, and evaluate them."""
    from .commands import derive as command

    show(
        command.run(
            model,
            metric or (),
            at or (),
            changes or (),
            on,
            latex,
            stage_by_stage,
            node_by_node,
            effective,
            width(),
            form,
            by,
        )
    )


@app.command()
def compare(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Published networks, such as resnet50 vgg16; without names, those with piecewise-linear layers."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every network of the zoo.")] = False,
    d: Annotated[
        int | None, typer.Option("--dimension", "-d", help="The dimension of a slice in which the data lies.")
    ] = None,
    surrogate: Annotated[
        str,
        typer.Option(
            "--surrogate", help="What stands in for functions without affine pieces: relu, hard_tanh, affine."
        ),
    ] = "relu",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Hyperparameters that all of them have: resolution=160.")
    ] = None,
    latex: Annotated[Path | None, typer.Option("--latex", help="Write a LaTeX document with a booktabs table.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write all figures with all digits.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare published networks: size, work, complexity, intrinsic power, VC bounds, accuracy."""
    from .commands import compare as command

    show(command.run(models or (), everything, d, surrogate, changes or (), latex, csv, width(), overwrite))


@app.command()
def prove(
    laws: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of laws, patterns such as 'receptive_field*', or laws in a file of yours, which is imported: my_laws.py::my_law; all, if left out."
        ),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            "--route", "-r", help="Only this route: ring, field, galois, induction, normal_form, z3, cvc5, coq."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write SMT-LIB 2, Coq and a LaTeX appendix of proofs into this folder."),
    ] = None,
) -> None:
    """Prove the laws of the algebra, on every route or on one; exit status 1 if a law is refuted or left undecided."""
    from .commands import prove as command

    done = command.run(laws or (), route or (), export)
    if done.table is not None:
        Console(highlight=False, width=width()).print(done.table)
    show(done.blocks)
    if not done.ok:
        raise typer.Exit(1)


@app.command()
def sweep(
    file: Annotated[
        Path, typer.Argument(help="A TOML file with model, metrics, [set], [over] and, to keep the table, to.")
    ],
    progress: Annotated[bool, typer.Option("--progress", help="Show a progress bar.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Evaluate formulas over grids, lists or random samples of sizes."""
    from .commands import sweep as command

    show(command.run(file, progress, overwrite))


@app.command("import")
def import_model(
    model: Annotated[
        str,
        typer.Argument(
            help="FILE.onnx, or FILE.py:NAME, a PyTorch module, a Keras model or a function that returns one, or a JAX function; the file is "
            "run."
        ),
    ],
    shape: Annotated[
        str | None,
        typer.Option(
            "--shape",
            help="The shape of one example of a PyTorch module, or of the array that a JAX function takes: 3,224,224 or 3,H,W.",
        ),
    ] = None,
    at: Sizes = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Sizes of an ONNX file's named dimensions, or at which names in --shape are traced."
        ),
    ] = None,
    metric: Metrics = None,
    node_by_node: NodeByNode = False,
) -> None:
    """Import a model from ONNX, PyTorch, Keras or JAX, and derive its formulas."""
    from .commands import import_model as command

    show(command.run(model, at or (), shape, changes or (), metric or (), node_by_node, width()))


@app.command()
def check(
    model: Annotated[
        str,
        typer.Argument(
            help="FILE.py::NAME, or FILE.py for all its layers; the file is run. Or a layer of the library."
        ),
    ],
    on: Annotated[str | None, typer.Option("--on", help="The shape that enters the layer, in integers: 3,8,8.")] = None,
    examples: Annotated[int | None, typer.Option("--examples", "-n", help="How many samples each part takes.")] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Compile its LaTeX too, where pdflatex is installed.")] = False,
) -> None:
    """Check a layer: its equation by enumeration, its claims, the laws; exit status 1 if one is refuted."""
    from .commands import check as command

    reports = command.run(model, on, examples, latex)
    for place, report in enumerate(reports):
        print(("\n" if place else "") + str(report))
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


@app.command()
def report(
    model: Annotated[
        str,
        typer.Argument(
            help="A published network such as resnet50, with a symbol for every size unless --set is given, or FILE.py:NAME, a layer, "
            "network or function in a file of yours; the file is run."
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="Where it is written; made if it is not there.")],
    at: Sizes = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Fields or hyperparameters: height=H,width=W,base_width=c.")
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="The shape that enters a network without Input: 3,H,W.")
    ] = None,
    metric: Metrics = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a web page about a network, which computes its numbers again when sizes are changed."""
    from .commands import report as command

    show(command.run(model, folder, at or (), changes or (), on, metric or (), overwrite))


@app.command()
def demo(
    latex: Annotated[Path, typer.Option("--latex", help="The folder for the LaTeX documents.")] = Path("out"),
) -> None:
    """ResNet-50 with symbolic sizes, then a layer from its equation alone."""
    from .commands import demo as command

    show(command.run(latex, width()))


@app.command()
def capacity(
    tasks: Annotated[
        list[str] | None, typer.Option("--task", help="A task such as 'long memory', or several with commas.")
    ] = None,
    architectures: Annotated[
        list[str] | None, typer.Option("--architecture", help="An architecture, or several with commas.")
    ] = None,
    length: Annotated[int, typer.Option("--length", help="How many past values: a power of two from 16.")] = 32,
    starts: Annotated[int, typer.Option("--starts", help="Random starts of each fit.")] = 2,
) -> None:
    """Where classical architectures spend their capacity on Gaussian-process tasks, and what they lose."""
    from .commands import capacity as command

    show(command.run(tasks or (), architectures or (), length, starts))


if __name__ == "__main__":
    sys.exit(app())
