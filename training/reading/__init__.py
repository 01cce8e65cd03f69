"""Reading of training data: files, queries and generators, checked row by row."""
