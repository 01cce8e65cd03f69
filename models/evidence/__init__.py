"""The decision record: its format, its hash chain, how a log is read and verified."""
