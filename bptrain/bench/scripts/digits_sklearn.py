"""The training of configs/digits.yaml as far as scikit-learn can do it: python digits_sklearn.py DIGITS.csv.gz

It has neither dropout nor a learning rate that falls along a cosine.
"""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore", ConvergenceWarning)
table = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, dtype=np.float32)
table = table[np.random.default_rng(0).permutation(len(table))]
inputs, labels = table[:, :-1], table[:, -1].astype(int)
held_out = round(0.15 * len(table))
scaler = StandardScaler().fit(inputs[held_out:])
model = MLPClassifier(
    (128,),
    batch_size=32,
    learning_rate_init=0.002,
    max_iter=60,
    early_stopping=True,
    validation_fraction=0.15 / 0.85,
    n_iter_no_change=61,
    random_state=0,
)
model.fit(scaler.transform(inputs[held_out:]), labels[held_out:])
print(f"test accuracy {model.score(scaler.transform(inputs[:held_out]), labels[:held_out]):.4f}")
