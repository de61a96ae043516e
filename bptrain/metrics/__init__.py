"""Metrics: figures of merit of predictions."""

from bptrain.metrics.class_metrics import (
    F1,
    Accuracy,
    BalancedAccuracy,
    ConfusionMatrix,
    Precision,
    Recall,
    TopK,
    predict_codes,
)
from bptrain.metrics.metric import METRICS, Figure, Kind, Metric, list_default_metrics, list_metrics
from bptrain.metrics.number_metrics import R2, Mae, Mape, Mse, Rmse
from bptrain.metrics.probability_metrics import AveragePrecision, BrierScore, ExpectedCalibrationError, LogLoss, RocAuc

# Files of code may import these functions by other names.
all_metrics, default_metrics, predicted_codes = list_metrics, list_default_metrics, predict_codes

__all__ = [
    "F1",
    "METRICS",
    "R2",
    "Accuracy",
    "AveragePrecision",
    "BalancedAccuracy",
    "BrierScore",
    "ConfusionMatrix",
    "ExpectedCalibrationError",
    "Figure",
    "Kind",
    "LogLoss",
    "Mae",
    "Mape",
    "Metric",
    "Mse",
    "Precision",
    "Recall",
    "Rmse",
    "RocAuc",
    "TopK",
    "all_metrics",
    "default_metrics",
    "list_default_metrics",
    "list_metrics",
    "predict_codes",
    "predicted_codes",
]
