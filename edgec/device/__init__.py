"""Real boards: the serial link to the firmware."""
