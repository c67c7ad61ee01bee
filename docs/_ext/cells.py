"""Cells of commands: executed as `%%bash`, which stops the build where one fails, and shown as the commands alone."""

from typing import Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

MAGIC = "%%bash\n"


class Commands(SphinxPostTransform):
    """The first line of such a cell is not for the reader."""

    default_priority = 9

    def run(self, **kwargs: Any) -> None:
        """Show what a reader would type."""
        for block in list(self.document.findall(nodes.literal_block)):
            text = block.astext()
            if text.startswith(MAGIC):
                shown = text.removeprefix(MAGIC)
                block.replace_self(nodes.literal_block(shown, shown, language="bash", classes=["commands"]))


def setup(app: Any) -> dict[str, bool]:
    """One transform."""
    app.add_post_transform(Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
