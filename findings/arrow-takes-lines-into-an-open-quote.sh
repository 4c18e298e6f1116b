#!/bin/sh
# A quote that never ends: Arrow's CSV reader takes all lines after it into the cell, and says nothing.
#
# Guess: with newlines_in_values, a quoted cell that the file does not end is an error, as for pandas and Python's csv.
# Seen:  pyarrow 26.0.1 returns one row of three; pandas 3.1.1 and csv (strict) raise an error.
# So a file with one quote too many loses the rows after it unnoticed: count the quotes, or read it with csv as well.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 pandas==3.1.1
cat > "$folder/try.py" <<'PYTHON'
import csv
import io

import pandas
import pyarrow
from pyarrow import csv as arrow

TEXT = 'user,item,note\na,x,"open\na,y,fine\na,z,fine\n'


def outcome(read):
    try:
        return read()
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


options = arrow.ParseOptions(newlines_in_values=True)
found = {
    f"pyarrow {pyarrow.__version__}": outcome(
        lambda: f"{arrow.read_csv(io.BytesIO(TEXT.encode()), parse_options=options).num_rows} row"
    ),
    f"pandas {pandas.__version__}": outcome(lambda: len(pandas.read_csv(io.StringIO(TEXT)))),
    "csv, strict": outcome(lambda: len(list(csv.reader(io.StringIO(TEXT), strict=True)))),
}
for name, each in found.items():
    print(f"{name}: {each}")
arrows, pandas_, plain = found.values()
assert arrows == "1 row", arrows
assert "EOF inside string" in pandas_, pandas_
assert "unexpected end of data" in plain, plain
PYTHON
"$folder/venv/bin/python" "$folder/try.py"
