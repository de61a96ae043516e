"""Training: the loop, the session it changes, and what ends or mends it."""
