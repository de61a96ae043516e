"""The command line: one file per command, which parses arguments, makes one call, and prints the result."""
