"""Reads a printed report whose table of destinations spans pages: `print.py PDF`."""

import sys

import pypdfium2

# A word of the head of the table that `long.js` makes long, and the mark of its rows.
HEAD, ROW = "subset", "rowofmany"

document = pypdfium2.PdfDocument(sys.argv[1])
spans = 0
for number, page in enumerate(document, start=1):
    text = page.get_textpage()
    words = text.get_text_range()
    if ROW not in words:
        continue
    spans += 1
    assert HEAD in words, f"page {number} has rows without a head"
    width, height = page.get_size()
    for index in range(text.count_chars()):
        left, _, right, top = text.get_charbox(index)
        # Ligatures have boxes that are on no page.
        assert top > height or (0 <= left and right <= width), f"page {number} is cut at its side"
assert spans > 2, spans
