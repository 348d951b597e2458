"""Machines by Vagrant, on VirtualBox or libvirt."""
