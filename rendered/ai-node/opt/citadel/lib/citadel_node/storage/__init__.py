"""Disks, directories, links and weights: looking, and fixing what is ours."""
