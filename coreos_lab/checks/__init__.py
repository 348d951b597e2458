"""A lab's checks: run by pytest in a process of their own, with the fixtures that they may use."""
