"""External checks: what other companies are asked about an application before it is scored."""
