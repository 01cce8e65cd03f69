"""Monitoring of models in service: outcomes, performance, drift, and the signals they give."""
