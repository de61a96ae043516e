"""The pages of `bptrain help` on the terminal: topics of the guide, commands, and codes."""
