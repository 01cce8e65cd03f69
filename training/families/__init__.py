"""Model families: candidates, how each is fitted and searched, calibrated and exported."""
