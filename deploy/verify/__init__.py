"""Whether what must hold does hold, asked of the stores themselves: one line an invariant."""
