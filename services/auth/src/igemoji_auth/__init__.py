"""The auth service: accounts, access tokens, my page."""
