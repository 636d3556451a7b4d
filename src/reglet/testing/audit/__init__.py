"""What a plugin really touches while its examples and tests run, beside what it declares."""
