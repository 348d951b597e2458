"""What nodes boot, built on the host: Container Linux's programs, Debian's packages, Vagrant's box."""
