"""lab: a Container Linux style cluster on one machine, made to be broken."""
