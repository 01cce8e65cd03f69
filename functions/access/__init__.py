"""Who may ask what: scopes of routes, API keys, tokens, rates, and the guard that applies them."""
