"""Models: one class gives the parser, the defaults, the validation and the JSON Schema."""
