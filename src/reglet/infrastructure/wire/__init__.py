"""JSON of the plugin ABI: one codec, every dialect. A leaf that any room may use."""
