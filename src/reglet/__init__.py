"""Write Reglet plugins in Python."""
