"""Pictures show what was measured, and nothing where nothing was."""

from pathlib import Path

import numpy as np
from PIL import Image

from ptycho_torch.pictures import AMPLITUDE_COLOURS, save_picture


def test_what_was_not_scanned_is_transparent_and_the_margin_is_cut_off(tmp_path: Path) -> None:
    values = np.arange(35.0).reshape(5, 7)
    shown = np.zeros((5, 7), dtype=bool)
    shown[1:4, 2:6] = True
    shown[1, 2] = False
    save_picture(tmp_path / "p.png", values, shown, AMPLITUDE_COLOURS, enlarge=1)
    picture = np.asarray(Image.open(tmp_path / "p.png"))
    assert picture.shape == (3, 4, 4)
    assert picture[0, 0].tolist() == [0, 0, 0, 0]
    assert (picture[..., 3] == 255).sum() == shown.sum()


def test_brighter_is_more(tmp_path: Path) -> None:
    values = np.arange(35.0).reshape(5, 7)
    save_picture(tmp_path / "p.png", values, np.ones((5, 7), bool), AMPLITUDE_COLOURS, enlarge=1)
    red = np.asarray(Image.open(tmp_path / "p.png"))[..., 0].astype(int)
    assert (np.diff(red.ravel()) >= 0).all()
    assert red[0, 0] < red[-1, -1]
