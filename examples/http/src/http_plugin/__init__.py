"""A Reglet plugin that requests a URL and reports what came back."""
