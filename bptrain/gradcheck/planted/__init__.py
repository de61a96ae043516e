"""The catalogue of classic bugs, each planted in a network where it matters, by which the checker checks itself.

A bug is a function in place of a method of a layer, a loss or the objective. It can call the right method, and spoils
the result. `bptrain gradcheck --mutate` plants them one after the other; the checker must catch every one.
"""

from bptrain.gradcheck.planted import layer_mutations, objective_mutations
from bptrain.gradcheck.planted.mutation import MUTATIONS

__all__ = ["MUTATIONS", "layer_mutations", "objective_mutations"]
