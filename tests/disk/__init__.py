"""Disks that lose power, refuse and break under a hall on real files."""
