"""The dashboard: what people look at, over the APIs of the other functions and nothing else."""
