"""Model stores: one small interface to a folder, Google Cloud Storage or S3."""
