"""The catalogue of classic bugs, each planted in a network where it matters, to test the checker itself.

A bug is a function that replaces a method of a layer, a loss or the objective: most call the right method, and spoil
its result. `bptrain gradcheck --mutate` plants them one after the other; the checker must catch every one.
"""

from bptrain.gradcheck.planted import layer_mutations, objective_mutations
from bptrain.gradcheck.planted.mutation import MUTATIONS

__all__ = ["MUTATIONS", "layer_mutations", "objective_mutations"]
