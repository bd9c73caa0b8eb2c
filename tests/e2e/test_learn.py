"""A teacher changes a number and copies the address; a student opens it and sees exactly that, without the controls."""

from collections.abc import Callable

from playwright.sync_api import expect
from studio import Studio, Tab

from farzi_core.views.lessons import LESSONS


def test_an_address_carries_the_lesson_and_hides_what_it_names(studio: Studio, tab: Callable[..., Tab]) -> None:
    studio.start()
    teacher, student = tab(), tab()
    teacher.open("/learn?lesson=5", "Learn")
    field = teacher.page.get_by_label("Latent factors d", exact=True).first
    field.fill("3")
    field.press("Enter")
    teacher.page.wait_for_url("**/learn?*factors=3*")
    teacher.shown("0.33 bits")
    teacher.idle()
    address = teacher.page.url.removeprefix(studio.url)
    student.open(f"{address}&hide=lesson,factors,tau,teacher", "Learn")
    student.shown("0.33 bits")
    expect(student.page.get_by_role("spinbutton")).to_have_count(0)
    expect(student.page.get_by_role("combobox")).to_have_count(0)
    assert "hide=" in student.page.url, "a reload shows the same"


def test_axe_finds_nothing_serious_in_any_lesson(studio: Studio, tab: Callable[..., Tab]) -> None:
    one, found = tab(), {}
    for number in LESSONS:
        one.open(f"/learn?lesson={number}", "Learn")
        found[number] = one.accessibility() + one.sideways()
    assert not any(found.values()), {number: lines for number, lines in found.items() if lines}
