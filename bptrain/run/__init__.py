"""Runs on disk: the directory, its lock, checkpoints, history and outcome."""
