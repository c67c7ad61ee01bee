"""Views and corruptions of images."""
