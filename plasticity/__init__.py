"""Room `plasticity` of Apical."""

if __name__ == "plasticity":
    raise ImportError("import apical.plasticity, not plasticity: this folder is a room of the namespace package apical")
