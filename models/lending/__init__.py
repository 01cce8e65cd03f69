"""What lending computes: schedules, allocation, arrears, classes, ratios, on exact decimals."""
