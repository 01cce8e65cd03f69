"""Estimators: formulas and trees, with log-odds and exact contributions."""
