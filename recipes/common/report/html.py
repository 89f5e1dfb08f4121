# SPDX-License-Identifier: Apache-2.0
"""html.py - pieces of HTML.  All text comes through h(), all attributes too."""
import base64
import html
import json

from .reading import clean


def h(text):
    return html.escape(clean(text), quote=True)


def data_uri(kind, content):
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def json_block(name, document):
    """Data for the script: nothing in it ends the element or opens a comment."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return f'<script type="application/json" id="{name}">{text.replace("<", chr(92) + "u003c")}</script>'


def section(name, title, *parts):
    inside = "\n".join(part for part in parts if part)
    return f'''<section id="{name}" aria-labelledby="{name}-title">
<h2 id="{name}-title">{h(title)}</h2>
{inside}
</section>'''


def note(text):
    return f'<p class="missing">{h(text)}</p>'


def scroll(inside, label):
    """What may be wider than the page: the keyboard can move it."""
    return f'<div class="scroll" role="region" aria-label="{h(label)}" tabindex="0">\n{inside}\n</div>'


def class_of(name, is_so):
    return f' class="{name}"' if is_so else ""


def cell_html(cell, is_number, kind):
    value = "" if cell.value is None else f' data-value="{h(cell.value)}"'
    scope = ' scope="row"' if kind == "th" else ""
    return f"<{kind}{scope}{class_of('number', is_number)}{value}>{h(cell.text)}</{kind}>"


def head_html(title, is_number, is_sortable):
    inside = f'<button type="button" class="sort">{h(title)}</button>' if is_sortable and title else h(title)
    return f'<th scope="col"{class_of("number", is_number)}>{inside}</th>'


def table(caption, heads, rows, first_number=1, is_sortable=False, head=0):
    """rows of Cells: that of the column head is the row's head, those from first_number on are numbers."""
    titles = "".join(head_html(title, i >= first_number, is_sortable) for i, title in enumerate(heads))
    lines = [f'<table{class_of("sortable", is_sortable)}>', f"<caption><span>{h(caption)}</span></caption>",
             f"<thead><tr>{titles}</tr></thead>", "<tbody>"]
    for cells in rows:
        lines.append("<tr>" + "".join(cell_html(cell, i >= first_number, "th" if i == head else "td")
                                      for i, cell in enumerate(cells)) + "</tr>")
    return scroll("\n".join([*lines, "</tbody></table>"]), caption)
