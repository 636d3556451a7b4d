"""Stand-ins for the host: one fake a port, and a host made of all of them. `reglet.testing` exports them."""
