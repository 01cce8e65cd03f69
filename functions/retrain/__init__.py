"""The retraining function: starts the training of a model, tells how it went."""
