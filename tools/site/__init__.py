"""What builds the documentation site beside MkDocs: its diagrams' script, and constructors in the reference."""
