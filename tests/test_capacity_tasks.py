"""Architectures on Gaussian-process tasks: the best loss, the fits, and what allocation says about them."""

from __future__ import annotations

import numpy as np
import pytest

import layeralgebra as la

pytest.importorskip("scipy")

from layeralgebra.layers.zoo.studies.tasks import TASKS, Predictor, architectures, compare, fit  # noqa: E402


@pytest.mark.parametrize("name", TASKS)
def test_the_best_loss_is_that_of_sampled_regression(name):
    """Least squares on samples of the process loses what the closed form says, within sampling error."""
    task = TASKS[name](16)
    draw = np.random.default_rng(0)
    lags = np.abs(np.subtract.outer(np.arange(17), np.arange(17))).astype(float)
    process = np.linalg.cholesky(task.kernel(lags) + 1e-12 * np.eye(17)) @ draw.standard_normal((17, 60_000))
    seen = process[:16] + task.noise**0.5 * draw.standard_normal((16, 60_000))
    weights, *_ = np.linalg.lstsq(seen.T, process[16], rcond=None)
    error = (process[16] - weights @ seen) ** 2
    assert task.least_loss == pytest.approx(error.mean(), abs=5 * error.std() / 60_000**0.5)
    # What is needed: the loss without one input, from the closed form with that input left out.
    without = []
    for place in range(16):
        kept = np.delete(np.arange(16), place)
        c = task.correlation[kept]
        without.append(task.variance - c @ np.linalg.solve(task.covariance[np.ix_(kept, kept)], c) - task.least_loss)
    assert task.needs == pytest.approx(np.array(without) / np.sum(without), abs=1e-8)


@pytest.mark.parametrize("name", architectures(16))
def test_the_fitted_predictor_is_that_of_the_network(name):
    architecture = architectures(16)[name]
    predictor = Predictor(architecture, 3)
    found = la.linear_predictor(architecture.net, 3, architecture.shape, output=architecture.output)
    weights, jacobian = predictor(predictor.start)
    assert weights == pytest.approx(found.predictor.ravel(), abs=1e-12)
    assert jacobian == pytest.approx(found.matrix.toarray(), abs=1e-12)


def test_fits_tell_architectures_apart():
    fits = {
        (f.task.name, f.architecture.name): f
        for f in compare(32, ["periodic"], ["dense", "convolutions", "recurrent", "dilated"])
    }
    dense, plain, recurrent, dilated = (
        fits["periodic", name] for name in ("dense", "convolutions", "recurrent", "dilated")
    )
    assert dense.excess == pytest.approx(0, abs=1e-9) and dense.total == 32
    # Nine values do not reach half a period back; the six directions of a recurrence do.
    assert plain.total == 9 and plain.spatial[:23].max() < 1e-12
    kept = np.arange(23, 32)
    task = plain.task
    best = np.linalg.solve(task.covariance[np.ix_(kept, kept)], task.correlation[kept])
    assert plain.loss == pytest.approx(task.variance - task.correlation[kept] @ best, abs=1e-3)
    assert recurrent.excess < 0.05 * plain.excess and recurrent.total <= 6
    assert dilated.total == 6 and plain.excess > dilated.excess > 10 * recurrent.excess
    assert 0 <= recurrent.unmet <= 1 and recurrent.spatial.sum() == pytest.approx(recurrent.total)


def test_what_is_refused():
    with pytest.raises(la.FieldError, match="power of two"):
        architectures(20)
    with pytest.raises(la.FieldError, match="no task 'other'"):
        compare(16, ["other"])
    with pytest.raises(la.FieldError, match="no architecture 'other'"):
        compare(16, ["periodic"], ["other"])


def test_the_command():
    from typer.testing import CliRunner

    from layeralgebra.cli import app

    made = CliRunner().invoke(
        app, ["capacity", "--task", "short memory", "--architecture", "dense,convolutions", "--length", "16"]
    )
    assert made.exit_code == 0
    rows = [line for line in made.stdout.splitlines() if line.startswith("  ")]
    assert [row.split()[0] for row in rows[1:]] == ["needed", "dense", "convolutions"]
    assert "100.0%" in rows[2] and rows[2].endswith("█" * 16)
    assert CliRunner().invoke(app, ["capacity", "--task", "none such"]).exit_code == 2


def test_one_fit_starts_again():
    task = TASKS["two scales"](16)
    single, several = (fit(architectures(16)["dilated"], task, starts=count) for count in (1, 3))
    assert several.excess <= single.excess
