"""What Asterisk is told: rendered, planned as a diff, checked, applied and rolled back."""
