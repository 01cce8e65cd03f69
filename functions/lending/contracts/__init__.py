"""Routes of the loan book: parse a request, call an action, render its reply."""
