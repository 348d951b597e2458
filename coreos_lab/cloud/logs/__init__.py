"""CloudWatch Logs: groups, streams and events in an SQLite file, and the API over it."""
