"""Every bound of the product: one named constant each, with its unit and the reason for its value."""

MIB = 1024 * 1024

# --- uploads and imports (farzi_core.data) -----------------------------------------------------------------------
MAX_UPLOAD_BYTES = 200 * MIB  # bytes of one uploaded file; .streamlit/config.toml carries the same number in MB
MAX_EXPANDED_BYTES = 1024 * MIB  # bytes after gunzip or unzip; stops compression bombs
MAX_EXPANSION_RATIO = 200  # expanded : compressed; real logs reach about 30, a bomb 1,000
EXPANSION_FLOOR_BYTES = 8 * MIB  # a file that stays below this may be as compressible as it likes: it is harmless
MAX_COLUMNS = 64  # columns of a table; 40,000 equal headers cost pandas 17 s
MAX_HEADER_BYTES = 64 * 1024  # bytes of the first line; 64 names of 256 characters fit four times
MAX_COLUMN_NAME_LENGTH = 256  # characters of a column name
MAX_NAME_LENGTH = 255  # characters shown of a file's or data set's name; longer than any file system's
MAX_LINE_BYTES = 16 * MIB  # one line of a text table; a longer one costs ten times its size in memory
MAX_CELL_CHARACTERS = 4 * MIB  # one cell; a whole sequence of half a million events fits
MAX_CELLS = 320_000_000  # rows x columns of a Parquet file: it can promise 1,835 times more than its bytes
MAX_PARQUET_FOOTER_BYTES = 16 * MIB  # thrift metadata of a Parquet file
MAX_ZIP_DIRECTORY_BYTES = 64 * 1024  # directory of a zip; the largest known layout has 23 short entries
MAX_EVENTS = 20_000_000  # rows of an event table
MAX_ID_LENGTH = 256  # characters of a user or item id
MAX_TITLE_LENGTH = 512  # characters of an item title; longer ones are cut for display and reported
IMPORT_SECONDS = 120  # wall-clock seconds the parser's child process may take
IMPORT_MEMORY_BYTES = 6 * 1024 * MIB  # address space of the parser's child process

# --- data sets ---------------------------------------------------------------------------------------------------
MIN_EVENTS_PER_USER = 3  # protocol: context, one more event to train on, and a target (paper, appendix C.2)
MAX_PACKAGE_BYTES = 8 * MIB  # source a package gives to Python calls: about 4,000 functions, 2 s of parsing
PARSE_SECONDS = 120  # wall-clock seconds a child process may take for one chunk of source; it takes about one
MAX_PLANTED_STATES = 100_000  # rows of the planted transition table; with 26 successors each about 40 MB
MAX_SCORED_USERS = 20_000  # users scored for a profile: standard error at most 0.35 points, some seconds at 5,000 items
MAX_CACHED_SCORES = 25_000_000  # numbers in cached rows of transition scores: 200 MB

# --- catalogue downloads (farzi_core.data.download) --------------------------------------------------------------
MAX_DOWNLOAD_BYTES = 200 * MIB  # bytes of one file; the largest of the catalogue has 6 MB
CONNECT_SECONDS = 10  # seconds to reach a server
SILENCE_SECONDS = 60  # seconds without a byte before a download is given up (and can be continued)

# --- runs (farzi_core.runs) --------------------------------------------------------------------------------------
MAX_AUTOMATIC_RESUMES = 3  # resumes without a newer checkpoint before a run is called failed
MAX_ROLLBACKS = 3  # divergence roll-backs before a run is called diverged
STOP_GRACE_SECONDS = 10  # seconds between a stop request and SIGKILL
MIN_FREE_BYTES = 64 * MIB  # disk reserve that is never written into
RUN_LOCK_SECONDS = 5.0  # seconds a worker or command waits for run.lock; readers that probe it hold it for microseconds
STORE_LOCK_SECONDS = 30.0  # seconds to wait for the store lock; its holders need milliseconds
SLOT_POLL_SECONDS = 0.2  # seconds between two looks of a waiting worker at the device slot
MAX_RECORD_BYTES = 16 * MIB  # bytes of config.json or manifest.json; real ones have kilobytes
MAX_METRICS_BYTES = 1024 * MIB  # bytes of metrics.jsonl that are read; a million steps have about 250 MB
MAX_STUDY_RUNS = 64  # runs one study queues; each waits in a process of its own (35 MB, 20 of them not shared)
REMEMBERED_RUNS = 4096  # manifests and settings kept parsed in one process, about 10 kB each
TAIL_BYTES = 256 * 1024  # bytes read from the end of worker.log or metrics.jsonl for a live view

# --- distillation ------------------------------------------------------------------------------------------------
# mu x xi x |V| up to which probs are held (400 MB, and as much per student at a time, twice as much on taught windows),
# the start is fitted and labels are taught; and numbers that teachers predict for a real batch
MAX_DENSE_NUMBERS = 100_000_000
MAX_COVERING_WINDOWS = 4_000  # of a covering start; the choice of 4,000 took 18 s on one busy core, of 1,000 1.4 s

MIN_EPS = 1e-6  # of Adam in the inner loop: below it d update / d g amplifies float32's rounding of g beyond the signal
MAX_SNAPSHOT_BYTES = 64 * MIB  # of a run's snapshots for replay, those of validations not counted; the demo has 5 MB
MAX_AVERAGED_BYTES = (
    256 * MIB
)  # of snapshots to average: every checkpoint has them; 10 of [50 x 50 x 32], 10,000 items: 16 MB
# |d outer / d theta_0| / |d outer / d theta_T| that is a warning: the relative error of a float32 gradient was measured
# at 1e-6 to 1e-5 times the growth (docs/engine.md), so from here on it is above a percent
MAX_GROWTH = 1e4

WEIGHING_SECONDS = 300  # wall-clock seconds the memory measurement of lesson 4 may take; it needs about 8 of one core

# --- the final table (farzi_core.evaluation) ---------------------------------------------------------------------
MAX_DRAWN_WEIGHTS = 8_000_000  # bootstrap weights (draws x test users) at a time: 64 MB; all draws up to 4,000 users

# --- inspection of a finished run (farzi_core.evaluation.inspect) ------------------------------------------------
MAX_COMPARED_POSITIONS = 40_000_000_000  # item look-ups of one nearest-window search; under a minute on one core
MAX_HELD_OUT_WINDOWS = 300  # held-out windows of the memorisation reference; a histogram needs no more
MAX_COVERED_POSITIONS = 1_000_000  # sequences x xi of the coverage table: 2 MB that a page reads at once
MAX_REFERENCE_SEQUENCES = 300  # of those, sequences whose nearest other real one is looked up
MAX_TSNE_ITEMS = 3000  # items on the t-SNE map, most frequent first; 3,000 take about 15 s
MAX_KEPT_STUDENT_BYTES = 32 * MIB  # weights of one student that a run keeps; 5,000 words in 32 units have 1.3 MB untied
MAX_PROMPT_CHARACTERS = 1000  # of the beginning of a sentence; longer than any context that a preset has
MAX_PROMPT_ITEMS = 256  # items before a question, the last ones; an answer is cached under their numbers
MAX_CONTINUED_ITEMS = 100  # items that a student says one after the other: about 0.1 s of small students
MAX_CACHED_STUDENTS_BYTES = 256 * MIB  # ranks of a retraining's students; 20 on 100,000 users have 16 MB
MAX_ASKED = 20  # results of a run (retrainings, answers) that are kept: more than a person compares
MAX_WAITING = 8  # answers that wait for their turn, and retrainings: a process each, 63 MB of its own
CALIBRATION_SECONDS = 60  # longest the estimate before a launch may take

# --- export and command line -------------------------------------------------------------------------------------
MAX_EXPORTED_BYTES = 1024 * MIB  # bytes of probs.safetensors; larger ones are left out, Z and M make them anywhere
WRITE_TEST_BYTES = 32 * MIB  # bytes `doctor` writes to measure the disk: about a tenth of a second on an SSD
