"""A hospital's side of the national interface: a reference client, and a day played with it."""
