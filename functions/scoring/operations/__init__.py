"""What the platform and people on call ask: health, metrics, counts."""
