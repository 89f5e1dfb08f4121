#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# report_page.sh - the page of a report in a headless browser: sorting, two systems side by side, players, keyboard,
# contrast, nothing asked of anybody. Screenshots are kept in report_page.shots/ of the build folder.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
for tool in gnuplot sox chromium; do
    command -v $tool >/dev/null || { echo "no $tool"; exit 77; }
done
need_python websockets
top=$(CDPATH='' cd -- "${top_srcdir:-.}" && pwd) || exit 99
case=$top/tests/support/report_case.py
. "$top/tests/support/report.inc"
shots=$PWD/tests/program/report_page.shots
rm -rf "$shots" && mkdir -p "$shots" || exit 99

make_experiment "$dir/exp"
run 0 "$python" "$top/recipes/common/report.py" "$dir/exp"
run 0 "$python" -B "$top/tests/support/report_page.py" "$(command -v chromium)" "$dir/exp/report.html" "$shots" \
    "$top/tests/data/jfk.wav"
exit $bad
