"""One runner for each file of vectors."""
