"""What stands at the axes."""


def wrapped(text: str, width: int = 30) -> str:
    """An axis label on several lines, so that low panels hold it; a no-break space keeps a formula together."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip(" ")
    return "\n".join([*lines, line])
