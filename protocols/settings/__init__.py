"""Settings: files, presets, groups, and what contradicts what."""
