"""What audit hears, one file per topic."""
