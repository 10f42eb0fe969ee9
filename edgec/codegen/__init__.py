"""Schedule to files: the generated library, its tests, and the firmware around it. Contains no C."""
