"""Room `protocols` of Apical."""

if __name__ == "protocols":
    raise ImportError("import apical.protocols, not protocols: this folder is a room of the namespace package apical")
