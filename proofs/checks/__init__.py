"""What `la.check` asks of a layer or of a composition, and what it answers."""
