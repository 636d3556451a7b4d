"""What builds the documentation site beside MkDocs: its diagrams, and constructors in the reference."""
