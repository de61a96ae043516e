"""YAML: its text read event by event, with the place of every value, and its mistakes in plain words."""
