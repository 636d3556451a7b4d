"""A Reglet plugin that runs programs and looks at what they wrote."""
