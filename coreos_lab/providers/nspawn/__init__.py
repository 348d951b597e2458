"""Machines by systemd-nspawn: their boot, disks, limits, users, network and what they may leave behind."""
