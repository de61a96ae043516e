"""The catalogue of classic bugs, each planted in a network where it is active, for the checker to check itself.

A bug is a function that stands in for a method of a layer, a loss or the objective. It is given the right one to call,
and spoils what that gives. `bptrain gradcheck --mutate` plants them one after the other; every one must be caught.
"""

from bptrain.gradcheck.planted import layer_mutations, objective_mutations
from bptrain.gradcheck.planted.mutation import MUTATIONS, Mutation

__all__ = ["MUTATIONS", "Mutation", "layer_mutations", "objective_mutations"]
