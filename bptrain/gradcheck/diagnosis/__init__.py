"""Diagnosis: which layer makes a gradient wrong, and what kind of mistake it is."""
