"""Training, evaluation and publication of models; `python -m training` is the interface."""
