"""What plugins are made with."""
