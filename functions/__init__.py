"""What answers over HTTPS or an event: parse, call models, serialise."""
