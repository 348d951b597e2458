"""What makes machines, behind one protocol (base.py): nspawn and vagrant."""
