"""Model families: candidate pipelines, and their selection, calibration and export."""
