"""What other projects were reported to answer wrongly, with the right value; each runs by itself."""
