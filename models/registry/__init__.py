"""The model registry: bundles, published versions, pointers and versions in service."""
