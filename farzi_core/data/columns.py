"""The event table's vocabulary: every column name, once."""

USER = "user"  # str: whose sequence the event belongs to
ITEM = "item"  # str: what happened
TIME = "time"  # float64: sort key within a user (unix seconds, an order number, or the line number)
TITLE = "title"  # str: an item's name for people
GROUP = "group"  # str: an item's genre, category or package; "" where unknown
COUNT = "count"  # int64: events of an item among training users
TEXT = "text"  # str: one sentence or line of a corpus
PART = "part"  # str: train, validation or test where a corpus brings its own split, else ""
