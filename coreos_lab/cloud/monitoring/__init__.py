"""CloudWatch: what instances and programs measure, and alarms that act on it."""
