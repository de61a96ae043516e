"""JSON: an object a line, or a list of objects."""
