"""Tables: named columns, read from sources a chunk of rows at a time, and kept in a cache."""
