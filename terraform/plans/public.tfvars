# A service that anyone reaches, and that asks for a key itself.
allow_public = true
auth         = "api-key"
secrets      = { API_KEYS = "surety-api-keys:3", API_KEY_PEPPER = "surety-api-key-pepper:1" }
