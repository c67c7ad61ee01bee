"""Image files that are decoded once, by several processes, into a folder of bytes from which they are held or streamed."""
