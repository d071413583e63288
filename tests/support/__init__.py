"""What the suites that start the built binary share."""
