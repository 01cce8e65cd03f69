"""The decision log as this process writes it, and the commands that read one."""
