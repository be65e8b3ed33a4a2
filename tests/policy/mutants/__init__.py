"""How many small faults in the pricing core the tests of policy find: its mutation score."""
