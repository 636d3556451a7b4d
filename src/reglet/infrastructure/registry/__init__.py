"""OCI registries: a plugin as an artifact, sent, fetched and kept."""
