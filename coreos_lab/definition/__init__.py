"""What a lab is on paper: its folder, lab.yaml, settings, rules and map. Reads files, and asks no machine."""
