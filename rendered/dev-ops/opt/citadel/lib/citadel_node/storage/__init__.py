"""Disks, directories, links and weights: looking, and mending what is ours."""
