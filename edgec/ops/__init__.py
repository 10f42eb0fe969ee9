"""The ops: one file each with all that the compiler knows of it."""
