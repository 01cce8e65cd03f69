"""The scoring function: one URL, any number of credit models, one small file a contract."""
