"""A Reglet plugin that looks names up."""
