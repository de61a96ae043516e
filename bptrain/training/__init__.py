"""Training: the loop, the session that it changes, its events, and checks that numbers stay healthy."""
