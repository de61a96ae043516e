"""The model: an experiment and a table assembled into a network, its objective, and the rows that it reads."""
