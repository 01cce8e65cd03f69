"""Training on more rows than memory has room for: the ordinary run on a sample, one large fit."""
