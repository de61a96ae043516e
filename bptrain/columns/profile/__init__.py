"""The profile of columns: the facts and warnings about each, and how a first config encodes it."""
