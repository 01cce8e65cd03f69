"""Credit models: contract, features, estimator, score scale, policy, bundle and registry."""
