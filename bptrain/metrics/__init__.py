"""Metrics: what a person wants to know about predictions."""

from bptrain.metrics.class_metrics import Accuracy, BalancedAccuracy, ConfusionMatrix, TopK, predicted_codes
from bptrain.metrics.metric import METRICS, Figure, Kind, Metric, all_metrics, default_metrics
from bptrain.metrics.number_metrics import R2, Mae, Mape, Mse, Rmse
from bptrain.metrics.per_class import F1, Precision, Recall
from bptrain.metrics.probability import BrierScore, ExpectedCalibrationError, LogLoss
from bptrain.metrics.ranking import AveragePrecision, RocAuc

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
    "predicted_codes",
]
