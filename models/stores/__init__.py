"""Where models are kept: one small interface over a folder or a bucket."""
