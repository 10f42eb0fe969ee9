"""The report: its schema, reading it back, and how it is shown."""
