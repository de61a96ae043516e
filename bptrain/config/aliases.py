"""Aliases: the words of other tools, and the keys, components and values that they may mean here.

Words are compared in lower case with underscores: `batchSize`, `batch-size` and `Batch Size` are all `batch_size`.
"""


def invert(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the words of a table's values, each with the keys that it may mean."""
    found: dict[str, tuple[str, ...]] = {}
    for ours, others in table.items():
        for word in others.split():
            found[word] = (*found.get(word, ()), ours)
    return found


KEYS = invert(
    {
        "activation": "act activation_function nonlinearity",
        "beta1": "beta_1 betas",
        "beta2": "beta_2 betas",
        "bias": "use_bias",
        "bias_init": "bias_initializer",
        "data.source": "dataset",
        "data": "dataset",
        "data.columns": "categorical_columns column_types",
        "data.features": "feature_columns inputs",
        "data.features.exclude": "drop_columns ignore_columns",
        "data.missing": "imputation imputer",
        "data.sample_weight": "weight_column",
        "data.scaling": "normalisation normalization normalize scaler standardize",
        "data.source.csv.path": "csv_file csv_path data_path file filename",
        "data.split.method": "stratify",
        "data.split.test": "test_fraction test_size test_split",
        "data.split.validation": "val val_split valid validation_fraction validation_size validation_split",
        "data.target": "class_column label labels output target_column",
        "data.task": "problem_type task_type",
        "delimiter": "delim sep separator",
        "dtype": "floatx precision",
        "epsilon": "eps",
        "every": "step_size",
        "network": "architecture layers model",
        "hidden": (
            "architecture hidden_dim hidden_layer_sizes hidden_layers hidden_size hidden_sizes hidden_units model"
        ),
        "loss": "cost criterion loss_fn loss_function objective",
        "lr": "eta eta0 learning_rate learning_rate_init learningrate step_size",
        "name": "experiment run_name",
        "optimizer": "opt optim solver",
        "rate": "drop_prob drop_rate dropout_rate p prob",
        "regularization": "reg regularizer",
        "regularization.l1": "l1_regularization",
        "weight_decay": "weight_decay",
        "regularization.l2": "kernel_regularizer l2_penalty l2_regularization lambda weight_decay",
        "schedule": "learning_rate_schedule lr_schedule lr_scheduler scheduler",
        "seed": "random_seed random_state",
        "slope": "negative_slope",
        "tolerance": "tol",
        "training": "train trainer",
        "training.accumulate": (
            "accumulate_grad_batches accumulation_steps gradient_accumulation gradient_accumulation_steps"
        ),
        "training.average": "ema ema_decay swa",
        "training.batch_size": "batch batchsize bs mini_batch_size minibatch minibatch_size",
        "training.clipping": "grad_clip gradient_clipping",
        "training.clipping.norm": "clip_grad clip_norm clipnorm max_grad_norm",
        "training.clipping.value": "clip_value clipvalue",
        "training.early_stopping": "early_stop earlystopping",
        "training.early_stopping.patience": "n_iter_no_change",
        "training.epochs": "iterations max_epoch max_epochs max_iter n_epochs n_iter nb_epoch num_epochs",
        "units": "n_units neurons num_units out_features size width",
        "weight_init": "init initializer kernel_initializer weight_initializer",
    }
)
"""The options that another tool's key may mean: a name for that option of any section, or a path."""

# What to say about a key that has no counterpart here.
REMARKS: dict[str, str] = {
    "num_workers": "no worker processes are needed to read rows; remove it",
    "shuffle": "rows are always shuffled in every epoch; remove it",
    "verbose": "remove it; the command line has --quiet",
    **dict.fromkeys(("device", "gpu"), "everything runs on the CPU; remove it"),
    **dict.fromkeys(
        ("in_features", "input_dim", "input_shape", "input_size"),
        "the number of inputs comes from the data; remove it",
    ),
    **dict.fromkeys(("n_classes", "num_classes"), "the number of classes comes from the data; remove it"),
    **dict.fromkeys(
        ("output_dim", "output_size"),
        "the number of outputs comes from the data; write dense: {units: auto} as the last layer",
    ),
}

# Words that may mean one of several components, the likeliest first, by the kind of their family. A word that means one
# component is in its class's `aliases`; gelu is here because layers are searched before activations.
AMBIGUOUS: dict[str, dict[str, tuple[str, ...]]] = {
    "layer": {"gelu": ("gelu_tanh",)},
    "initializer": {
        "glorot": ("glorot_uniform", "glorot_normal"),
        "he": ("he_normal", "he_uniform"),
        "kaiming": ("he_normal", "he_uniform"),
        "lecun": ("lecun_normal", "lecun_uniform"),
        "random": ("normal", "uniform"),
        "xavier": ("glorot_uniform", "glorot_normal"),
    },
    "loss": {
        "cross_entropy": ("softmax_cross_entropy", "binary_cross_entropy"),
        "crossentropy": ("softmax_cross_entropy", "binary_cross_entropy"),
        "log_loss": ("softmax_cross_entropy", "binary_cross_entropy"),
    },
    "source": {"dataset": ("bundled", "csv"), "toy": ("synthetic", "bundled")},
}

VALUES = invert(
    {
        "auto": "default",
        "classification": "binary categorical classify multiclass",
        "float32": "f32 float float16 fp32 half single",
        "float64": "double f64 fp64",
        "full": "all whole",
        "macro": "weighted",
        "multi_label": "multilabel",
        "per_class": "none",
        "random": "shuffle shuffled",
    }
)
"""The values that another tool's word may mean, for every option with a fixed choice of words."""
