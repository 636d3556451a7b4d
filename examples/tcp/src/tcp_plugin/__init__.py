"""A Reglet plugin that connects to ports and reports TLS and certificates."""
