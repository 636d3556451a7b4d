"""A Reglet plugin that looks at files: their facts, their checksum, their content."""
