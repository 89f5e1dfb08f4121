# SPDX-License-Identifier: Apache-2.0
"""plots.py - plots by gnuplot's SVG terminal, made fit to stand in a page.

gnuplot draws in the colours of INKS; in the page they are variables of the style sheet, so that a plot is read by day
and by night.  Systems are points with their numbers in the table; which precision a point has is its form, whether it
streams its filling."""
import math
import re
import shutil
import subprocess

from .reading import Trouble

WIDTH, HEIGHT, SMALL = 480, 360, 300
LEFT, RIGHT, TOP, BOTTOM = 68, 16, 14, 60  # margins, in pixels
POINT, SIGN = 7, (8, 13)                   # half a point; width and height of a digit

INKS = {"c10101": "ink", "c20202": "whole", "c30303": "streaming", "c40404": "grid"}
HEAD = ("set encoding utf8\n"
        "set terminal svg size {width},{height} dynamic noenhanced font 'sans-serif,15'\n"
        "set lmargin at screen {left}\nset rmargin at screen {right}\n"
        "set tmargin at screen {top}\nset bmargin at screen {bottom}\n"
        "set border 3 linecolor rgb '#c10101'\nset tics nomirror textcolor rgb '#c10101'\n"
        "set grid linetype 1 linecolor rgb '#c40404' linewidth 1\nset key off\n")
FORMS = {"fp32": (7, 6), "bf16": (9, 8), "int8": (5, 4)}  # gnuplot's points: filled, hollow
OTHER = (13, 12)


def tools_missing():
    return "" if shutil.which("gnuplot") else "gnuplot is not installed; plots need it (apt-get install gnuplot-nox)"


def forms_of(precision):
    return FORMS.get(precision, OTHER)


# ---- SVG

def fit(svg, name, label):
    """gnuplot's file as an element of the page: its ids its own, its colours those of the style sheet.  label: HTML."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<(title|desc)>.*?</\1>", "", svg, flags=re.DOTALL)
    size = re.search(r'viewBox="([^"]+)"', svg).group(1)
    svg = f'<svg class="plot" viewBox="{size}" role="img" aria-label="{label}">' + svg[svg.index(">") + 1:]
    for ink, kind in INKS.items():
        numbers = r",\s*".join(str(int(ink[i:i + 2], 16)) for i in (0, 2, 4))
        svg = re.sub(rf"rgb\(\s*{numbers}\s*\)|#{ink}", f"var(--plot-{kind})", svg, flags=re.IGNORECASE)
    svg = re.sub(r"\bid=(['\"])", rf"id=\1{name}-", svg)
    svg = re.sub(r"(href=['\"]#|url\(#)", rf"\1{name}-", svg)
    svg = re.sub(r"\s+(font-family=\"[^\"]*\"|color=\"black\")", "", svg)
    svg = re.sub(r"<filter.*</filter>", "", svg, flags=re.DOTALL)
    return re.sub(r"\n\s*\n+", "\n", svg).strip()


def draw(script, name, label, width=WIDTH, height=HEIGHT):
    head = HEAD.format(width=width, height=height, left=LEFT / width, right=1 - RIGHT / width, top=1 - TOP / height,
                       bottom=BOTTOM / height)
    try:
        done = subprocess.run(["gnuplot", "-d"], input=head + script, capture_output=True, text=True, encoding="utf-8",
                              timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Trouble(f"gnuplot: {e}") from e
    if done.returncode != 0 or "</svg>" not in done.stdout:
        raise Trouble(f"gnuplot: {done.stderr.strip() or 'it made no plot'}")
    return fit(done.stdout, name, label)


# ---- numbers beside points

def overlap(a, b):
    """How much of two boxes (left, top, right, bottom) lies on each other."""
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def place(points, texts, width, height):
    """Where in pixels the middle of each text stands: beside its point, clear of the others as far as can be."""
    points_boxes = [(x - POINT, y - POINT, x + POINT, y + POINT) for x, y in points]
    taken, places = [], []
    for (x, y), text in zip(points, texts):
        w, h = SIGN[0] * len(text) + 2, SIGN[1]
        best = None
        for distance in (1.0, 1.8, 2.6):
            for angle in range(0, 360, 45):
                dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
                cx, cy = x + dx * (POINT + w / 2) * distance, y + dy * (POINT + h / 2) * distance
                box = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
                outside = box[0] < LEFT or box[2] > width or box[1] < 0 or box[3] > height - BOTTOM
                cost = sum(overlap(box, other) for other in points_boxes + taken) + 1e4 * outside + distance
                if best is None or cost < best[0] - 1e-9:
                    best = (cost, box, (cx, cy))
        taken.append(best[1])
        places.append(best[2])
    return places


# ---- axes

class Axis:
    """From values to pixels; a logarithmic one is to the base of 10."""

    def __init__(self, values, pixels, is_log=False, starts_at_0=False):
        self.is_log, self.pixels = is_log, pixels
        inner = [self.scale(value) for value in values] + [0.0] * starts_at_0
        low, high = min(inner), max(inner)
        room = 0.1 * (high - low) or (0.15 if is_log else max(0.5, 0.05 * abs(high)))
        self.low, self.high = low - room, high + room
        if not is_log and self.low < 0 <= low:
            self.low = 0.0

    def scale(self, value):
        return math.log10(value) if self.is_log else value

    def pixel(self, value):
        return (self.scale(value) - self.low) / (self.high - self.low) * self.pixels

    def range(self):
        return f"[{10 ** self.low:.6g}:{10 ** self.high:.6g}]" if self.is_log else f"[{self.low:.6g}:{self.high:.6g}]"


def quote(text):
    return "'" + text.replace("'", "’").replace("\n", " ") + "'"


def y_label(text, width, height):
    """Where it is wanted: gnuplot drops a title for which it sees no room."""
    middle = (BOTTOM + height - TOP) / 2
    return (f"set label {quote(text)} at screen {SIGN[1] / width:.4f}, {middle / height:.4f} center rotate by 90 "
            "textcolor rgb '#c10101'")


def scatter(points, x_title, y_title, name, label, is_log=False):
    """points: [(system, x, y)]."""
    x = Axis([p[1] for p in points], WIDTH - LEFT - RIGHT, is_log, starts_at_0=not is_log)
    y = Axis([p[2] for p in points], HEIGHT - TOP - BOTTOM)
    pixels = [(LEFT + x.pixel(p[1]), HEIGHT - BOTTOM - y.pixel(p[2])) for p in points]
    numbers = [str(p[0].number) for p in points]
    script = [f"set xlabel {quote(x_title)} offset 0,0.3 textcolor rgb '#c10101'",
              y_label(y_title, WIDTH, HEIGHT),
              f"set xrange {x.range()}", f"set yrange {y.range()}"]
    if is_log:
        script.append("set logscale x 10\nset xtics add (" +
                      ", ".join(f"{m}e{e}" for e in range(-4, 3) for m in (1, 2, 5)) + ")\nset format x '%g'")
    for number, (cx, cy) in zip(numbers, place(pixels, numbers, WIDTH, HEIGHT)):
        script.append(f"set label '{number}' at screen {cx / WIDTH:.5f}, {1 - cy / HEIGHT:.5f} center "
                      "textcolor rgb '#c10101' front")
    for i, (system, px, py) in enumerate(points):
        script.append(f"$p{i} << EOD\n{px:.6g} {py:.6g}\nEOD")
    curves = [f"$p{i} using 1:2 with points pointtype {forms_of(system.precision)[system.is_streaming]} pointsize 1.2 "
              f"linewidth 2 linecolor rgb '#{'c30303' if system.is_streaming else 'c20202'}'"
              for i, (system, _, _) in enumerate(points)]
    script.append("plot " + ", ".join(curves))
    return draw("\n".join(script) + "\n", name, label)


def reliability(bins, name, label):
    """Accuracy of the words in each bin of confidence: on the diagonal where confidence says what is so."""
    most = max([one["n"] for one in bins] + [1])
    rows = [f"{one['confidence']:.6g} {one['accuracy']:.6g} {0.5 + 1.5 * math.sqrt(one['n'] / most):.3f}"
            for one in bins]
    script = ["set xrange [0:1]\nset yrange [0:1]\nset xtics 0.2\nset ytics 0.2",
              "set xlabel 'confidence' offset 0,0.3 textcolor rgb '#c10101'", y_label("accuracy", SMALL, SMALL),
              "$bins << EOD", *rows, "EOD",
              "plot x with lines linecolor rgb '#c10101' dashtype 2, "
              "$bins using 1:2 with lines linecolor rgb '#c20202' linewidth 2, "
              "$bins using 1:2:3 with points pointtype 7 pointsize variable linecolor rgb '#c20202'"]
    return draw("\n".join(script) + "\n", name, label, SMALL, SMALL)


def legend_sign(precision, is_streaming):
    """The form of a point as SVG, for the legend: gnuplot's squares, circles, triangles, diamonds."""
    shape = {"fp32": '<circle cx="7" cy="7" r="5"/>', "bf16": '<path d="M7 1.5 12.5 12H1.5z"/>',
             "int8": '<path d="M2 2h10v10H2z"/>'}.get(precision, '<path d="M7 1 13 7 7 13 1 7z"/>')
    kind = "streaming" if is_streaming else "whole"
    return f'<svg class="sign {kind}" viewBox="0 0 14 14" aria-hidden="true">{shape}</svg>'
