"""Breaking machines on purpose: faults with their undo, probes while something is broken, and the verdict."""
