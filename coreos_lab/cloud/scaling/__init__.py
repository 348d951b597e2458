"""Auto Scaling: groups that have as many instances as they should, and replace those that died."""
