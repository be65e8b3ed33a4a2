"""What audit's detectors are worth: generated claims with labels, a judge, baselines, a page."""
