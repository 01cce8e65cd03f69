"""How cells, columns and lines of a file are read, the same in training and in batches."""
