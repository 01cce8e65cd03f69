"""One module for each contract: what a request may say, and how the answer is said."""
