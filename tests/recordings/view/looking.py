"""What tests and measurements ask of the page: columns of the document, and where on the screen a unit is."""

import json

from apical.recordings.view.unit_map import mosaic

DOCUMENT = "Bokeh.documents[0]"


def column(chromium, source, name):
    """A column of a named source, as a list."""
    return chromium.run(f"Array.from({DOCUMENT}.get_model_by_name({source!r}).data[{name!r}])")


def text(chromium):
    """All that can be read in the page, shadow roots included."""
    return chromium.run(
        "(function walk(node) { let out = node.nodeType == 3 ? node.data : ''; "
        "for (const child of [...(node.shadowRoot ? node.shadowRoot.childNodes : []), ...node.childNodes])"
        " if (!['STYLE', 'SCRIPT'].includes(child.nodeName)) out += ' ' + walk(child); return out })(document.body)"
    )


def place(chromium, figure, x, y):
    """Where on the screen a point of a figure is."""
    found = chromium.run(f"""(() => {{
        const view = Bokeh.index.find_one({DOCUMENT}.get_model_by_name({figure!r}));
        const box = view.canvas_view.el.getBoundingClientRect();
        return JSON.stringify([box.left + view.frame.x_scale.compute({x}), box.top + view.frame.y_scale.compute({y})]);
    }})()""")
    return json.loads(found)


def choose(chromium, source, population, unit_id, figure="map-0"):
    """Click a unit on a map, and wait until the page shows it."""
    units = source.units(population)
    x, y = (axis[units.index(unit_id)] for axis in mosaic(units))
    chromium.click(*place(chromium, figure, x, y))
    chromium.until(f"new URLSearchParams(location.search).get('unit') == '{unit_id}'")
    idle(chromium)


def idle(chromium):
    """Wait until everything is drawn."""
    chromium.until(f"{DOCUMENT}.is_idle")


def set_control(chromium, name, field, value):
    """Move a control of the page, as its user would."""
    chromium.run(f"{DOCUMENT}.get_model_by_name({name!r}).{field} = {json.dumps(value)}")
