"""The model: values, ports, errors and policy. Pure Python and attrs; no JSON, no I/O, no other room."""
