"""Notices of declined applications, made from the decision record alone."""
