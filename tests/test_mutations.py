"""Every planted bug of the catalogue is caught and diagnosed correctly."""

import json

import pytest

from bptrain.gradcheck import check
from bptrain.gradcheck.planted import MUTATIONS
from bptrain.gradcheck.planted.mutation import build_twin, judge_mutation, make_dense, spoil
from bptrain.nn import LAYERS
from bptrain.nn.activations import Tanh
from bptrain.nn.losses import SoftmaxCrossEntropy

# The kinds of mistake that the catalogue must have.
KINDS = {
    "ratio_rows",
    "ratio_outputs",
    "ratio_two",
    "ratio_keep",
    "sign",
    "transposed",
    "zero",
    "bias_mean",
    "wrong_axis",
    "derivative_missing",
    "derivative_misplaced",
    "derivative_of_another",
    "softmax_diagonal",
    "norm_mean_term",
    "norm_variance_term",
    "mask_missing",
    "mask_unscaled",
    "mask_redrawn",
    "penalty_missing",
    "penalty_doubled",
    "penalty_on_biases",
    "stale",
    "overwritten",
    "not_finite",
    "wrong_shape",
}


def test_the_catalogue_is_complete():
    assert {kind for one in MUTATIONS for kind in one.kinds} >= KINDS
    assert len({one.name for one in MUTATIONS}) == len({one.description for one in MUTATIONS}) == len(MUTATIONS)
    assert all("\n" not in one.description for one in MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_planted_bug_is_caught_and_named(mutation):
    found = judge_mutation(mutation, check(mutation.build_twin()))
    assert found.caught
    assert found.layer == mutation.layer
    assert found.kind in mutation.kinds
    assert found.said


@pytest.mark.parametrize("name", list(LAYERS))
def test_a_layer_with_nothing_planted_passes(name):
    """So it is the bugs that are caught, and not the planting."""
    cls = LAYERS.members[name]
    layer = cls.example(4) if hasattr(cls, "example") else cls()
    layers = (make_dense(), spoil(layer, "backward", lambda right, *_: right()), Tanh(), make_dense(3))
    assert all(one.passed for one in check(build_twin(layers, SoftmaxCrossEntropy())))


@pytest.mark.slow
def test_the_command_shows_what_is_caught(bptrain_in):
    first = bptrain_in("gradcheck", "--mutate")
    assert (first.returncode, first.stderr) == (0, "")
    count = len(MUTATIONS)
    assert first.stdout.splitlines()[-1].startswith(
        f"{count} of {count} planted bugs caught, {count} with the right layer"
    )


@pytest.mark.slow
def test_the_command_gives_the_same_report_twice_and_in_json(bptrain_in):
    assert bptrain_in("gradcheck", "--mutate").stdout == bptrain_in("gradcheck", "--mutate").stdout
    report = json.loads(bptrain_in("gradcheck", "--mutate", "--json").stdout)
    assert report["passed"] is True
    assert {one["name"] for one in report["mutations"]} == {one.name for one in MUTATIONS}
