"""Downloads over loopback with the true bytes: resumed, verified, explained; and the entry that comes out of them."""

import io
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from filelock import FileLock

from farzi_core import limits
from farzi_core.data import catalogue, download
from farzi_core.data.catalogue import ENTRIES, is_ready, open_entry
from farzi_core.data.corpus import Corpus
from farzi_core.data.download import BASE_VARIABLE, remove_download
from farzi_core.data.library import list_sources, open_source
from farzi_core.errors import DatasetError
from tests.data.catalogue_server import Site, running

SMALL = b"First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n" * 9000  # 0.7 MB
KEY = "tiny-shakespeare"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with running(Site()) as one:
        monkeypatch.setenv(BASE_VARIABLE, one.base)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield one


@pytest.fixture
def small(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Tiny Shakespeare with other bytes, and their checksum: no real data needed."""
    import hashlib

    entry = replace(ENTRIES[KEY], checksum=f"sha256:{hashlib.sha256(SMALL).hexdigest()}")
    monkeypatch.setitem(ENTRIES, KEY, entry)
    site.files[urlsplit(entry.url).path] = SMALL
    return site


def fetch(key: str = KEY, **rest: object) -> Path:
    return download.download(key, accept_licence=True, **rest)


def test_the_file_arrives_whole_with_progress(small: Site) -> None:
    seen: list[tuple[int, int | None]] = []
    path = fetch(progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == SMALL
    assert seen[-1] == (len(SMALL), len(SMALL))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert is_ready(KEY)
    assert [entry.name for entry in path.parent.iterdir() if not entry.name.endswith(".lock")] == ["input.txt"]


def test_what_is_there_is_not_fetched_again(small: Site) -> None:
    fetch()
    fetch()
    assert len(small.requests) == 1


@pytest.mark.parametrize("cut", [1, 300_000, len(SMALL) - 1])
def test_an_interrupted_download_continues_at_the_byte(small: Site, cut: int) -> None:
    small.cut_after = cut
    with pytest.raises(DatasetError, match=r"the connection to .* broke off") as failure:
        fetch()
    assert not is_ready(KEY)
    kept = ENTRIES[KEY].path.with_name("input.txt.part").stat().st_size
    assert 0 <= kept <= cut
    assert kept == 0 or f"The first {kept:,} bytes are kept" in str(failure.value)
    assert fetch().read_bytes() == SMALL
    assert small.requests[1][1] == (f"bytes={kept}-" if kept else "")


def test_many_interruptions_end_with_the_true_bytes(small: Site) -> None:
    for _ in range(2):
        small.cut_after = 270_000
        with pytest.raises(DatasetError, match="broke off"):
            fetch()
    assert fetch().read_bytes() == SMALL


def test_a_server_without_ranges_starts_again(small: Site) -> None:
    small.cut_after = 300_000
    with pytest.raises(DatasetError):
        fetch()
    small.ranges = False
    assert fetch().read_bytes() == SMALL


def test_a_server_that_continues_at_the_wrong_byte_is_not_believed(small: Site) -> None:
    part(300_000)
    small.wrong_range = True
    assert fetch().read_bytes() == SMALL
    assert [asked for _, asked in small.requests] == ["bytes=300000-", ""]


def part(length: int, content: bytes = SMALL) -> Path:
    path = ENTRIES[KEY].path.with_name("input.txt.part")
    path.parent.mkdir(parents=True)
    path.write_bytes(content[:length])
    return path


def test_a_part_that_is_already_complete_is_verified_and_used(small: Site) -> None:
    part(len(SMALL))
    assert fetch().read_bytes() == SMALL


def test_a_part_longer_than_the_file_is_thrown_away(small: Site) -> None:
    part(10**6, SMALL * 2)
    assert fetch().read_bytes() == SMALL


@pytest.mark.parametrize("wrong", [SMALL[:-1] + b"!", SMALL + b"more", b"<html>moved</html>", b""])
def test_wrong_bytes_are_refused_and_thrown_away(small: Site, wrong: bytes) -> None:
    small.files = dict.fromkeys(small.files, wrong)
    with pytest.raises(DatasetError, match=r"input.txt has sha256 \w{64} but should have \w{64}\. It was thrown away"):
        fetch()
    assert not is_ready(KEY)
    assert not ENTRIES[KEY].path.with_name("input.txt.part").exists()


def test_a_part_of_another_file_fails_once_and_then_works(small: Site) -> None:
    part(300_000, b"x" * 300_000)
    with pytest.raises(DatasetError, match="It was thrown away"):
        fetch()
    assert fetch().read_bytes() == SMALL


def test_the_licence_comes_first(small: Site) -> None:
    with pytest.raises(DatasetError, match=r"licence has to be accepted first \(Public domain\); see https://"):
        download.download(KEY, accept_licence=False)
    assert small.requests == []


def test_without_a_network_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv(BASE_VARIABLE, f"http://127.0.0.1:{port}")
    with pytest.raises(DatasetError) as failure:
        fetch()
    message = str(failure.value)
    assert f"there is no connection to 127.0.0.1:{port}" in message
    assert f"fetch {ENTRIES[KEY].url} on another machine and open the file on the Data page" in message


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_answer_that_is_no_file_is_named(small: Site, status: int) -> None:
    small.status = status
    with pytest.raises(DatasetError, match=f"answered {status} "):
        fetch()


def test_no_more_than_the_limit_is_written(small: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MAX_DOWNLOAD_BYTES", 100_000)
    with pytest.raises(DatasetError, match="sends more than 100,000 bytes"):
        fetch()
    assert ENTRIES[KEY].path.with_name("input.txt.part").exists() is False


@pytest.mark.parametrize("base", ["http://example.org", "ftp://127.0.0.1", "file:///etc"])
def test_only_https_or_this_machine(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_VARIABLE, base)
    with pytest.raises(DatasetError, match="is not an https address"):
        fetch()


def test_a_redirect_to_plain_http_elsewhere_is_refused(small: Site) -> None:
    small.redirect = "http://example.org/input.txt"
    with pytest.raises(DatasetError, match=r"http://example\.org/input\.txt is not an https address"):
        fetch()
    assert len(small.requests) == 1
    assert not is_ready(KEY)


def test_a_redirect_within_this_machine_is_followed(small: Site) -> None:
    with running(Site(files=small.files)) as other:
        small.redirect = other.base + next(iter(small.files))
        assert fetch().read_bytes() == SMALL


def test_every_catalogue_address_is_https_on_a_known_host() -> None:
    hosts = (catalogue.GROUPLENS, catalogue.UCI, catalogue.AMAZON, catalogue.GITHUB)
    for entry in ENTRIES.values():
        assert entry.recipe or entry.url.startswith(hosts)
        assert entry.recipe or entry.checksum or entry.members
        assert entry.licence
        assert entry.citation
        assert entry.homepage.startswith("https://")


def test_two_downloads_of_one_file_do_not_mix(small: Site) -> None:
    path = ENTRIES[KEY].path
    path.parent.mkdir(parents=True)
    with FileLock(f"{path}.lock"), pytest.raises(DatasetError, match="is being downloaded already"):
        fetch()


def test_removed_downloads_are_gone(small: Site) -> None:
    fetch()
    remove_download(KEY)
    assert not is_ready(KEY)
    remove_download(KEY)


def test_a_recipe_is_told_instead_of_a_download() -> None:
    for action in (lambda: fetch("ptb"), lambda: open_entry("ptb")):
        with pytest.raises(DatasetError, match=r"no download.* add FOLDER --text"):
            action()
    with pytest.raises(DatasetError, match="'nothing' is not in the catalogue; it has ml-100k"):
        fetch("nothing")


def test_an_entry_that_is_not_there_says_how_to_get_it() -> None:
    with pytest.raises(DatasetError, match=r"MovieLens-100K is not downloaded yet.* datasets download ml-100k"):
        open_source("ml-100k")


def test_lines_of_a_text_are_read_letter_by_letter(small: Site) -> None:
    fetch()
    corpus = open_source(KEY)
    assert isinstance(corpus, Corpus)
    assert (corpus.texts[0], corpus.tokeniser) == ("First Citizen:", "characters")
    assert corpus.report.events == sum(len(line) for line in SMALL.decode().split("\n"))
    again = open_source(KEY)  # now from the cache
    assert isinstance(again, Corpus)
    assert again.frame.equals(corpus.frame)
    assert again.tokeniser == "characters"


def test_movielens_with_a_changed_member_is_refused(site: Site) -> None:
    site.files[urlsplit(ENTRIES["ml-100k"].url).path] = zipped(
        {"ml-100k/u.data": b"1\t2\t3\t4\n", "ml-100k/u.item": b""}
    )
    with pytest.raises(DatasetError, match=r"MovieLens-100K: u.data has md5 \w{32} but should have 6e47"):
        fetch("ml-100k")
    site.files = dict.fromkeys(site.files, b"not a zip")
    with pytest.raises(DatasetError, match="not the expected zip file"):
        fetch("ml-100k")
    site.files = dict.fromkeys(site.files, zipped({"readme": b""}))
    with pytest.raises(DatasetError, match=r"no file u\.data in it"):
        fetch("ml-100k")


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.mark.data
@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("ml-100k", ""),
        ("amazon-magazine", "amazon-magazine/Magazine_Subscriptions.csv"),
        ("uci-eshop", "uci-eshop/clickstream+data+for+online+shopping.zip"),
        ("tiny-shakespeare", "tinyshakespeare/input.txt"),
    ],
)
def test_the_true_bytes_pass_and_open_with_the_stated_counts(site: Site, real_data: Path, key: str, file: str) -> None:
    folder = real_data / "ml-100k"
    members = {f"ml-100k/{name}": (folder / name).read_bytes() for name in ("u.data", "u.item", "u.user")}
    body = (real_data / file).read_bytes() if file else zipped(members)
    entry = ENTRIES[key]
    site.files[urlsplit(entry.url).path] = body
    site.cut_after = len(body) // 2
    with pytest.raises(DatasetError, match="broke off"):
        fetch(key)
    fetch(key)
    events = open_source(key)
    assert (events.report.users, events.report.events, events.report.items) == (
        entry.sequences,
        entry.events,
        entry.items,
    )
    assert (events.name, events.source, events.licence, events.citation) == (
        entry.name,
        key,
        entry.licence,
        entry.citation,
    )
    card = next(card for card in list_sources() if card.key == key)
    assert card.ready
    assert len(body) < limits.MAX_DOWNLOAD_BYTES
