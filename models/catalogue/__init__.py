"""One file for each credit model: read it as a risk officer, extend it as a data scientist."""
