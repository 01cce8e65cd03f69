"""What makes and judges models; `python -m training` is its interface."""
