"""Going through a lab's page: by a reader, step by step, or by a test that judges every step."""
