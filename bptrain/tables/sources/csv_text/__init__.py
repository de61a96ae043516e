"""CSV files: their format, what is guessed of it, their lines, and how DuckDB reads them."""
