"""A page in which one looks around in the recordings of one or several runs: `apical view`.

A Bokeh server on the loopback interface, one thread, whose address holds a random token. Why Bokeh's server and no page of our own:

- zoom, hover, linked ranges, maps and sliders come with a well-kept library, and no line of JavaScript of ours draws anything
- the signals stay where the recording is: a page that reads the store itself would fetch whole chunks (0.5 MB to show 4 kB of a unit), over a
  tunnel too; here the server reads chunks and sends the points that are seen, so that a run on a remote machine and one of 20 GB answer alike
- everything goes through one port and one origin, which is all that `ssh -L` forwards; scripts and styles come from the installed package, none
  from elsewhere, so that it works without a network

The price is a session per open page, which ends with it; what is shown stands in the address, so that opening that again shows the same.

    guard     who may read: the token, and names of this machine alone
    server    the thread that serves
    links     what is shown, as an address
    catalogue, source, overview, tuning, raster   reading: slices of a recording, no Bokeh
    page, side and the rest                       drawing
"""

from .links import Shown, read_link
from .server import View, serve

__all__ = ["Shown", "View", "read_link", "serve"]
