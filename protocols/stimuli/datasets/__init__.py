"""Data sets: official files, image folders, archives."""
