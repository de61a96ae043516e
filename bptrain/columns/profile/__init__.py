"""The profile of columns: what is in each, what speaks against learning from it, what a first config makes of it."""
