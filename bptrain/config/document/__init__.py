"""The text of a config: YAML to plain values with their places, variables in it, and an experiment back as YAML."""
