"""The SQL of the pages: set-based, keyset-paged, parameters only."""
