"""Published versions: their bundles, the pointer to the champion, and what serves."""
