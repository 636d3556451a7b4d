"""JSON of the plugin ABI: one codec, two dialects. A leaf that any room may use."""
