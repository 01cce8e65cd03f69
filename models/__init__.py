"""What a credit model is: contract, features, estimator, scale, policy, bundle, registry."""
