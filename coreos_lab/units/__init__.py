"""What unit files say, read as fleet and systemd read them. Pure functions of their text."""
