"""The host outside of the guest."""
