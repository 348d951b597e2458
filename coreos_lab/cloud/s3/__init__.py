"""S3: buckets, their policies and lifecycle rules, and objects whose bodies are files."""
