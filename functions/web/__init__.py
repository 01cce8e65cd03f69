"""What every function shares: application, bodies, problems, server, settings, logs, OpenAPI."""
