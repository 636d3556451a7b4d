"""Inside the guest: ports over the host's functions, and the entry points that hosts call."""
