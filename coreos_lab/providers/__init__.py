"""What makes machines, behind one protocol (base.py): nspawn, vagrant and aws."""
