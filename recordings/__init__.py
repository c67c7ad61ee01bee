"""Room `recordings` of Apical."""

if __name__ == "recordings":
    raise ImportError("import apical.recordings, not recordings: this folder is a room of the namespace package apical")
