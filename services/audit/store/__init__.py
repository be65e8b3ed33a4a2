"""What audit keeps: its view of claims, judgements, findings, flags; statements by noun."""
