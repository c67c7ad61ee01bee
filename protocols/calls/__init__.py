"""What `import apical` offers: the experiments as functions of plain arguments, their results, and trained runs as objects."""
