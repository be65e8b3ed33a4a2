"""Statistics over claims and hospital-months; the one room of audit where floats live."""
