"""What the importers of all frameworks share."""
