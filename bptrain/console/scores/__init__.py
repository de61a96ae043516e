"""Tables of scores on the terminal: evaluations, predictions and runs."""
