"""Known data sets with their home, licence, citation and checksum. Farzi never copies them: the user downloads them.

The licence sentences are short; the home page has the full text, and the Data page shows both before a download.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from farzi_core.data.corpus import Corpus, report_of
from farzi_core.data.dataset import Task
from farzi_core.data.events import EventTable
from farzi_core.data.stored import cache_table, load_stored
from farzi_core.errors import DatasetError
from farzi_core.home import home

GROUPLENS = "https://files.grouplens.org"  # every host this program ever contacts stands here
UCI = "https://archive.ics.uci.edu"
AMAZON = "https://mcauleylab.ucsd.edu"
GITHUB = "https://raw.githubusercontent.com"
RULE = 2  # part of the cache's name: raise it when reading changes


@dataclass(frozen=True)
class Entry:
    """One data set. Sizes are those of the file as downloaded, before users with fewer than 3 events are set aside."""

    key: str
    name: str
    task: Task
    sentence: str
    licence: str
    citation: str
    homepage: str
    sequences: int
    events: int
    items: int
    url: str = ""
    """Empty: there is no download, `recipe` says how to get it."""
    filename: str = ""
    checksum: str = ""
    """`sha256:<hex>` or `md5:<hex>` of the whole file."""
    members: dict[str, str] = field(default_factory=dict)
    """Checksums of members of a zip, by the end of their name."""
    recipe: str = ""

    @property
    def path(self) -> Path:
        """Where the downloaded file lies; exists only when complete and verified."""
        return home() / "downloads" / self.key / self.filename


_HARPER = (
    "F. Maxwell Harper and Joseph A. Konstan (2015). The MovieLens Datasets: History and Context. ACM TiiS 5(4), 19. "
    "doi:10.1145/2827872"
)
_MOVIELENS = (
    "GroupLens research licence: no redistribution and no commercial use without permission; no endorsement may be "
    "implied; publications must cite the data set"
)

_ALL = (
    Entry(
        key="ml-100k",
        name="MovieLens-100K",
        task="recommendation",
        sentence="Films rated by 943 people, 1997-98; half of the neighbouring ratings share one second.",
        licence=_MOVIELENS,
        citation=_HARPER,
        homepage="https://grouplens.org/datasets/movielens/100k/",
        sequences=943,
        events=100_000,
        items=1_682,
        url=f"{GROUPLENS}/datasets/movielens/ml-100k.zip",
        filename="ml-100k.zip",
        members={
            "u.data": "md5:6e47046882bad158b0efbb84cd5cb987",
            "u.item": "md5:c9e7f390115d79079537301d5204f3f7",
        },
    ),
    Entry(
        key="ml-1m",
        name="MovieLens-1M",
        task="recommendation",
        sentence="Films rated by 6,040 people in 2000; long sequences.",
        licence=_MOVIELENS,
        citation=_HARPER,
        homepage="https://grouplens.org/datasets/movielens/1m/",
        sequences=6_040,
        events=1_000_209,
        items=3_706,
        url=f"{GROUPLENS}/datasets/movielens/ml-1m.zip",
        filename="ml-1m.zip",
        checksum="md5:c4d9eecfca2ab87c1945afe126590906",
        members={"movies.dat": "md5:ef9fd9ff8d1b33faf73e2122c371e910"},
    ),
    Entry(
        key="amazon-magazine",
        name="Amazon Magazine",
        task="recommendation",
        sentence="Magazine subscriptions reviewed on Amazon until 2018; short sequences, times are whole days.",
        licence="No licence is stated by the authors; research use with citation. No redistribution",
        citation=(
            "Jianmo Ni, Jiacheng Li and Julian McAuley (2019). Justifying recommendations using distantly-labeled "
            "reviews and fine-grained aspects. EMNLP. doi:10.18653/v1/D19-1018"
        ),
        homepage="https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/",
        sequences=72_098,
        events=89_689,
        items=2_428,
        url=f"{AMAZON}/public_datasets/data/amazon_v2/categoryFilesSmall/Magazine_Subscriptions.csv",
        filename="Magazine_Subscriptions.csv",
        checksum="sha256:6e1b48a78f7d4713a3f15abb028d5a1258e3c06d04b258b9d478f55d057a6696",
    ),
    Entry(
        key="uci-eshop",
        name="UCI e-shop clicks",
        task="recommendation",
        sentence="Clicks of 24,026 sessions in a clothing shop, 2008; order is exact within each session.",
        licence="CC BY 4.0",
        citation=(
            "Mariusz Łapczyński and Sylwester Białowąs (2019). Clickstream data for online shopping. UCI Machine "
            "Learning Repository. doi:10.24432/C5QK7X"
        ),
        homepage="https://archive.ics.uci.edu/dataset/553/clickstream+data+for+online+shopping",
        sequences=24_026,
        events=165_474,
        items=217,
        url=f"{UCI}/static/public/553/clickstream+data+for+online+shopping.zip",
        filename="clickstream-data-for-online-shopping.zip",
        checksum="sha256:cc8fd7588fb7f0b87441a88a9afb2868e92dc3124089c6c41fa23b762909cd2d",
    ),
    Entry(
        key="tiny-shakespeare",
        name="Tiny Shakespeare",
        task="language",
        sentence="Lines of Shakespeare's plays, letter by letter.",
        licence="Public domain",
        citation="Andrej Karpathy (2015). char-rnn, data/tinyshakespeare. github.com/karpathy/char-rnn",
        homepage="https://github.com/karpathy/char-rnn",
        sequences=32_777,
        events=1_075_390,
        items=64,
        url=f"{GITHUB}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        filename="input.txt",
        checksum="sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
    Entry(
        key="ptb",
        name="Penn Treebank (Mikolov's split)",
        task="language",
        sentence="Sentences of the Wall Street Journal, the paper's text data; from your own copy only.",
        licence="Linguistic Data Consortium licence (LDC99T42): your institution or you need one; no redistribution",
        citation=(
            "Mitchell P. Marcus, Mary Ann Marcinkiewicz and Beatrice Santorini (1993). Building a large annotated "
            "corpus of English: the Penn Treebank. Computational Linguistics 19(2)"
        ),
        homepage="https://catalog.ldc.upenn.edu/LDC99T42",
        sequences=42_068,
        events=887_521,
        items=9_999,
        recipe=(
            "It may not be downloaded freely. With your own licensed copy, import ptb.train.txt, ptb.valid.txt and "
            "ptb.test.txt as text, zipped or as a folder: `python -m farzi_core datasets add FOLDER --text`"
        ),
    ),
)
ENTRIES = {entry.key: entry for entry in _ALL}


def is_ready(key: str) -> bool:
    """True once the file of `ENTRIES[key]` is downloaded and verified."""
    entry = ENTRIES[key]
    return bool(entry.filename) and entry.path.is_file()


def open_entry(key: str) -> EventTable | Corpus:
    """The events or the text of a downloaded entry, read once and then kept as Parquet; raises `DatasetError`."""
    entry = ENTRIES[key]
    if entry.recipe:
        raise DatasetError(f"{entry.name} has no download. {entry.recipe}")
    if not is_ready(key):
        raise DatasetError(
            f"{entry.name} is not downloaded yet. Read its licence and download it on the Data page, or with "
            f"`python -m farzi_core datasets download {key} --accept-licence`"
        )
    folder = home() / "cache" / f"{key}-{RULE}"
    if folder.is_dir():
        return load_stored(folder)
    table = _read(entry)
    table = replace(table, name=entry.name, source=key, licence=entry.licence, citation=entry.citation)
    cache_table(table, folder)
    return table


def _read(entry: Entry) -> EventTable | Corpus:
    if entry.task == "language":
        from farzi_core.data.text import TextOptions, import_text  # only here: it brings the Markdown parser

        corpus = import_text(entry.path, entry.filename, TextOptions(layout="lines"))
        report = report_of(entry.filename, corpus.report.format, len(corpus), corpus.texts, True)
        return replace(corpus, report=report, tokeniser="characters")
    from farzi_core.data.ingest import read_events  # only here: reading a file starts a child process

    return read_events(entry.path)
