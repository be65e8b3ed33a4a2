"""What no request starts."""
