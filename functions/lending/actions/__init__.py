"""What the loan book does: each action is a function of a transaction and a request."""
