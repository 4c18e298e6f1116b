"""When an import stops: a whole class of values is refused, and what is left of the file would be biased."""

import shlex
from collections import Counter
from collections.abc import Collection, Mapping

import orjson

from app.ratings.scale import Scale
from app.transfer.options import Options
from app.transfer.problems import TransferProblem

OFF_SCALE = ("fractions", "below", "above")
MIN_CLASS = 2  # rows: one alone may be a slip
MAX_SHOWN = 5  # values in a message
LIKE_OR_NOT = {-1.0, 0.0, 1.0}
LINES_FIX = (
    "Put cells that hold the separator in quotes; if each line has one cell more than the header, name that column"
    " in it."
)
MISSING = {"-", "--", "?", "n/a", "na", "nan", "null", "none", "\\n"}


class Watch:
    """Counts the refused values of one file by class, before a batch is stored."""

    def __init__(self, file: str, scale: Scale, options: Options) -> None:
        self._file, self._scale, self._options = file, scale, options
        self._counts = Counter[str]()
        self._num_rows = 0
        self._rated = set[float]()
        self._classes: Mapping[str, list[str]] = {}

    def check(self, classes: Mapping[str, list[str]], num_rows: int, rated: Collection[float] = ()) -> None:
        """Count a batch; ``rated`` are its distinct values, as far as they are numbers.

        Raises:
            TransferProblem: if a class of values makes up more of the rows than may be refused.
        """
        is_first = self._num_rows == 0
        self._rated, self._classes = set(rated), classes
        self._num_rows += num_rows
        for name, values in classes.items():
            self._counts[name] += len(values)
        num_off = sum(self._counts[name] for name in OFF_SCALE)
        is_other_scale = is_first and num_off * 2 > num_rows
        for name in classes:
            if self._is_too_many(self._counts[name]) or (name in OFF_SCALE and is_other_scale):
                raise TransferProblem(self._describe(name, classes))

    def _is_too_many(self, number: int) -> bool:
        return number >= MIN_CLASS and number > self._options.max_refused * self._num_rows

    def _describe(self, name: str, classes: Mapping[str, list[str]]) -> str:
        if name in OFF_SCALE:
            values = [value for each in OFF_SCALE for value in classes.get(each, ())]
            number = sum(self._counts[each] for each in OFF_SCALE)
            return self._sentence(number, values, self._scale_words(), self._scale_fix(values))
        words, fix = {
            "words": ("no numbers", self._words_fix(classes[name])),
            "empty": ("empty", f"If an empty one means not rated: --unrated {self._unrated()}."),
            "lines": ("of another number of columns", LINES_FIX),
            "dates": ("dated in a way that cannot be read", dates_fix()),
            "future": ("dated in the future, or before the year 1", dates_fix()),
        }[name]
        return self._sentence(self._counts[name], classes[name], words, fix)

    def _sentence(self, number: int, values: list[str], words: str, fix: str) -> str:
        shown = sorted({value for value in values if value not in ("", "None")}, key=sort_key)
        shown = [shown[0], shown[-1]] if len(shown) > MAX_SHOWN else shown
        such = f" (such as {' and '.join(shown)})" if shown else ""
        first = f"{number} of the first {self._num_rows} ratings of {self._file}{such} are {words}"
        return f"{first}; nothing was taken from them, because the others alone would be biased. {fix}"

    def _words_fix(self, values: list[str]) -> str:
        return words_fix(values, self._unrated())

    def _unrated(self, *values: str) -> str:
        """Write the option for values that mean not rated, with all that do so in any class, and those given before."""
        empty = [""] if "empty" in self._classes else []
        words = [word for word in self._classes.get("words", ()) if word.strip().lower() in MISSING]
        return shlex.quote(",".join(dict.fromkeys([*self._options.unrated, *empty, *words, *values])))

    def _scale_words(self) -> str:
        rescale = self._options.rescale
        if rescale:
            return f"not between {rescale.minimum:g} and {rescale.maximum:g}, as rescale says"
        return f"not on this instance's scale, {self._scale}"

    def _scale_fix(self, values: list[str]) -> str:
        numbers = {float(value.strip("% ").replace(",", ".")) for value in values if sort_key(value)[0] == 0}
        hint = ""
        if 1 in self._rated <= LIKE_OR_NOT:
            dislike = "-1" if -1 in self._rated else "0"
            low, high = (f"{float(end):g}" for end in (self._scale.minimum, self._scale.maximum))
            hint = f"If 1 is a like and {dislike} a dislike: --map 1={high},{dislike}={low}. "
        if len(numbers) == 1 and len(values) >= MIN_CLASS and all(number.is_integer() for number in numbers):
            hint += f"If {numbers.pop():g} means not rated: --unrated {self._unrated(values[0])}. Otherwise: "
        elif unrated := [f"{number:g}" for number in (0, -1) if number in numbers]:
            means = "means" if len(unrated) == 1 else "mean"
            hint += f"If {' and '.join(unrated)} {means} not rated: --unrated {self._unrated(*unrated)}. Then: "
        if self._options.rescale:
            return hint + "Give the lowest and the highest value of the file with --rescale MIN:MAX."
        return (
            hint + "Set PALATE_RATING_MIN, PALATE_RATING_MAX and PALATE_RATING_STEP to the file's scale, or stretch the"
            " file's scale with --rescale MIN:MAX."
        )


def sort_key(value: str) -> tuple[int, float, str]:
    """Order numbers by size, before other texts."""
    try:
        return 0, float(value.strip("% ").replace(",", ".")), value
    except ValueError:
        return 1, 0.0, value


def words_fix(values: list[str], unrated: str) -> str:
    """Describe how to make words values; ``unrated`` is what says that some of them are none."""
    words = sorted(set(values))[:MAX_SHOWN]
    if all(word.strip().endswith("%") for word in words):
        return "Stretch percents over the scale with --rescale 0:100."
    if all(word.strip().startswith("{") for word in words):
        return "They are objects: name what is in them, as in --column 'value=COLUMN.NAME'."
    missing = [word for word in words if word.strip().lower() in MISSING]
    hint = f"If {missing[0]} means not rated: --unrated {unrated}. " if missing else ""
    if len(missing) == len(words):
        return hint
    left = [word for word in words if word not in missing]
    pairs = ",".join(f"{word}=NUMBER" for word in left)
    if any("," in word or "=" in word for word in left):
        pairs = "{" + ", ".join(f"{orjson.dumps(word).decode()}: NUMBER" for word in left) + "}"
    return f"{hint}Say what they mean: --map {shlex.quote(pairs)}."


def dates_fix() -> str:
    """Describe which dates can be read."""
    return (
        "Write Unix seconds or milliseconds, RFC 3339 such as 2026-11-23T10:15:00Z, or 2026-11-23 10:15:00 with"
        " --timezone NAME."
    )
