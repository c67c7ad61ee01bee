"""The recorder: from the signals of a step to rows of a recording. `spec` is read without torch."""
