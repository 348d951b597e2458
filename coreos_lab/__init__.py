"""lab: a Container Linux style cluster on one machine, made to be broken."""

__version__ = "0.1.0"
