"""The catalogue of credit models, one file each."""
