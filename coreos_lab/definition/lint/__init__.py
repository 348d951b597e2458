"""A lab judged before it runs: by the twelve factors (https://12factor.net), and by what this platform needs."""
