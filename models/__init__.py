"""Room `models` of Apical."""

if __name__ == "models":
    raise ImportError("import apical.models, not models: this folder is a room of the namespace package apical")
