"""Evaluation: outputs of a model beside the truth."""
