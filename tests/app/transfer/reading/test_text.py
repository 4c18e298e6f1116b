"""Text is cut into blocks and columns, wherever the blocks happen to end."""

from app.transfer.reading.text import Block, Dialect, cut


def test_an_id_that_begins_like_a_file_keeps_its_first_character_at_the_start_of_a_block() -> None:
    rows = "\ufeffada,x,4\n\ufeffbob,y,5\n".encode()
    table = cut(Block(rows, line=7, position=0), Dialect(b",", ["user", "item", "value"], quoted=True))
    assert table.columns[0].to_pylist() == ["\ufeffada", "\ufeffbob"]
    assert list(table.lines) == [7, 8]
