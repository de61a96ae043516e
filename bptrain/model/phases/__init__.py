"""Phases: several trainings of one run, and the rows of each."""
