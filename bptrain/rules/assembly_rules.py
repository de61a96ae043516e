"""Pages of what assembling a model refuses already: the checks stand where the model is built."""

from bptrain.rules.rule import explain

explain(
    "BP107",
    "units that differ from what the target needs",
    why="""
    The last layer needs one output for each class, for each numeric target, or a single one for two classes, as the
    loss takes them. With `units: auto` (which is also what a dense layer has if nothing is written) the number
    comes from the data.
    """,
    example="""
      data: {source: {bundled: digits}}
      network:
        - dense: {units: 64}
        - relu
    -   - dense: {units: 9}
    +   - dense: {units: auto}
    """,
)
explain(
    "BP120",
    "a loss for classes on a continuous target",
    why="""
    Cross-entropy chooses among classes. On a target such as a price every number would be a class of its own, most
    of them with a single row, and 9.99 as far from 10 as from 1000. Losses for quantities, such as mse, know
    distances.
    """,
    example="""
      data: {source: {bundled: diabetes}}
      hidden: [16]
    - loss: softmax_cross_entropy
    + loss: mse
    """,
)
explain(
    "BP121",
    "a loss that does not fit the kind of target",
    why="""
    Each loss is made for a kind of target: two classes, several classes, labels that may go together, numbers,
    counts or shares. binary_cross_entropy for instance has one score for yes or no, and three classes need
    softmax_cross_entropy.
    """,
    example="""
      data: {source: {bundled: iris}}
      hidden: [16]
    - loss: binary_cross_entropy
    + loss: softmax_cross_entropy
    """,
)
explain(
    "BP122",
    "targets that the loss is not defined for",
    why="""
    Labels are 0 or 1, counts are not negative, and shares of a whole add up to 1. Beyond that the logarithms in
    these losses mean nothing. Often the wrong column is the target, or the task is another one.
    """,
    example="""
      data:
        source: {synthetic: line}
        task: regression
      hidden: [16]
    - loss: poisson
    + loss: huber
    """,
)
explain(
    "BP123",
    "the target among the features",
    why="""
    A network that is shown the answer learns to repeat it. The score is perfect, and of no use for new rows, where
    the answer is not known. Without `features` all columns but the target are taken.
    """,
    example="""
      data:
        source: {bundled: iris}
        target: petal_width
    -   features: [sepal_width, petal_width]
    +   features: [sepal_length]
      hidden: [16]
    """,
)
explain(
    "BP124",
    "class weights that do not match the classes",
    why="""
    class_weights has one number for each class, in the sorted order of the labels. With one too few or too many it
    is unclear which class is meant by which, and with nothing but zeros no row counts.
    """,
    example="""
      data: {source: {bundled: iris}}
      hidden: [16]
      loss:
        softmax_cross_entropy:
    -     class_weights: [1, 2]
    +     class_weights: [1, 2, 1]
    """,
)
explain(
    "BP125",
    "a metric that is not defined for the target",
    why="""
    Accuracy counts right classes, R² compares numbers: a metric belongs to a kind of target. `metrics: auto` takes
    the usual ones, and `bptrain list metrics` names all of them.
    """,
    example="""
      data: {source: {bundled: diabetes}}
      hidden: [16]
    - metrics: [accuracy]
    + metrics: [r2, mae]
    """,
)
explain(
    "BP126",
    "a stratified split without classes",
    why="""
    A stratified split keeps the share of every class in each part. A numeric target has no classes to keep the
    share of; its rows are drawn at random.
    """,
    example="""
      data:
        source: {bundled: diabetes}
    -   split: {method: stratified}
    +   split: {method: random}
      hidden: [16]
    """,
)
explain(
    "BP127",
    "a part of the split without rows",
    why="""
    A share of the rows that comes to less than half a row holds nothing out: there would be no score where the
    config asks for one. A share of 0 says that none is wanted.
    """,
    example="""
      data:
        source: {bundled: iris}
    -   split: {test: 0.001}
    +   split: {test: 0.2}
      hidden: [16]
    """,
)
explain(
    "BP128",
    "a stratified split with a class of one row",
    why="""
    A stratified split keeps the share of every class in each part, and one row cannot be learned from and tested on at
    once. Often such a class is a misspelled label, or the target is really a number to predict. Correct it, leave the
    row out, or let chance decide with method: random.
    """,
    example="""
      data:
        source: {csv: houses.csv}
    -   target: grade
    +   target: sold
        features: [area, rooms]
      hidden: [16]
    """,
)
explain(
    "BP140",
    "batch norm with a batch of one row",
    why="""
    Batch norm subtracts the mean of the batch. In a batch of one row, and in a last batch of one row, every value
    is the mean itself: nothing is left but zeros, and the spread of a single row is not defined.
    """,
    example="""
      data:
        source: {bundled: iris}
        split: {validation: 0, test: 0}
      network:
        - dense: 16
        - batch_norm
        - relu
        - dense
    - training: {batch_size: 149}
    + training: {batch_size: 50}
    """,
)
explain(
    "BP141",
    "batches for an optimizer that needs all rows",
    why="""
    rprop looks at the sign of each gradient, and lbfgs at how it bends from step to step. Both take the difference
    between two batches for a property of the loss, so every step must see all rows.
    """,
    example="""
      data: {source: {bundled: iris}}
      hidden: [16]
      optimizer: lbfgs
    - training: {batch_size: 32}
    + training: {batch_size: full}
    """,
)
explain(
    "BP142",
    "what disturbs a line search",
    why="""
    lbfgs tries several points and compares their losses. Dropout and noise give another loss at the same point;
    clipping, max_norm and averaging change a step whose length was chosen with care.
    """,
    example="""
      data: {source: {bundled: iris}}
      network:
        - dense: 16
        - relu
    -   - dropout: 0.2
        - dense
      optimizer: lbfgs
      training: {batch_size: full}
    + regularization: {l2: 0.001}
    """,
)
explain(
    "BP143",
    "early stopping without validation rows",
    why="""
    Early stopping watches the loss of rows that are not learned from. Without any it has nothing to watch; the
    training loss falls on and on while the network learns the rows by heart.
    """,
    example="""
      data:
        source: {bundled: iris}
    -   split: {validation: 0, test: 0.2}
    +   split: {validation: 0.2, test: 0.2}
      hidden: [16]
      training:
        early_stopping: {patience: 10}
    """,
)
