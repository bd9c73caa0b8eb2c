"""The picture on the Home page is valid SVG, says nothing in pixels, and has words beside it."""

from xml.etree import ElementTree

import pytest

from farzi_core.views import picture


@pytest.mark.parametrize("panel", picture.panels(), ids=lambda panel: panel.title)
def test_each_panel_is_drawn_inside_its_frame_and_described(panel: picture.Panel) -> None:
    root = ElementTree.fromstring(panel.svg)
    assert root.attrib["viewBox"] == f"0 0 {picture.WIDTH} {picture.HEIGHT}"
    for one in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, width, height = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + width <= picture.WIDTH
        assert 0 <= y <= y + height <= picture.HEIGHT
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert len(panel.alt) > 40


def test_the_picture_is_the_same_each_time() -> None:
    assert picture.panels() == picture.panels()
