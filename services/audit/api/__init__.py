"""What reviewers call."""
