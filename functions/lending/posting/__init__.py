"""Posting: insert a fact, derive the states of a borrower's loans, write what differs."""
