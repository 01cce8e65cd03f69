"""What explains a score and what would change it, from a scorer."""
