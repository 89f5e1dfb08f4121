# SPDX-License-Identifier: Apache-2.0
"""The report of an experiment, by ../report.py.

experiment.py reads the folder, results.py makes the table of it and RESULTS.md, groups.py counts errors by kinds of
utterances and of words, audio.py has the sound, plots.py the plots; page.py puts all of it into one page, whose
pieces are made by html.py and utterances.py and which looks and works as page.css and page.js say."""
