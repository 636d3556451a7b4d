"""What a plugin may ask of the world, as protocols; adapters implement them, tests fake them."""
