"""The demo: two years of a small agency's business, made through the services' own actions."""
