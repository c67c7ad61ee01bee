"""The loss stands in the bar as it goes, and is asked for once a second."""

from apical.protocols.train.shown import Shown


class Bar:
    disable = False

    def __init__(self):
        self.words, self.n = [], 0

    def set_postfix_str(self, text, refresh=True):
        self.words.append(text)

    def update(self):
        self.n += 1


def test_the_loss_is_asked_for_once_a_second():
    now, bar, asked = [0.0], Bar(), []

    def losses():
        asked.append(now[0])
        return {"conv1": 1.0, "conv2": 2.0}

    shown = Shown(bar, batch=32, per_epoch=10, step=0, clock=lambda: now[0])
    for step in range(1, 9):
        now[0] += 0.4
        shown.step(step, losses)
    assert bar.n == 8
    assert len(asked) == 2
    assert bar.words == ["epoch 0.3, loss 1.500, 80 images/s", "epoch 0.6, loss 1.500, 80 images/s"]


def test_without_a_bar_nothing_is_asked_for():
    bar = Bar()
    bar.disable = True
    shown = Shown(bar, batch=32, per_epoch=10, step=0, clock=iter(range(0, 100, 5)).__next__)
    for step in range(1, 4):
        shown.step(step, None)
    assert (bar.n, bar.words) == (3, [])
