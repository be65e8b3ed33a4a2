"""What audit tells, one file per event type: pure."""
