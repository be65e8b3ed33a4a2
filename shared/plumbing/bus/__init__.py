"""How events travel: `kafka` between processes, `local` on one machine; same promises."""
