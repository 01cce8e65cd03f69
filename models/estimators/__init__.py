"""Estimators by family: formulas and trees, scored and explained."""
