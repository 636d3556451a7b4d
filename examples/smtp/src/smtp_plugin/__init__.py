"""A Reglet plugin that greets mail servers."""
