# SPDX-License-Identifier: Apache-2.0
# report.sh - the last stage: facts.json, the page and RESULTS.md.

# json NAME VALUE...: an object of texts.
json() {
    python3 -c 'import json, sys
a = sys.argv[1:]
print(json.dumps(dict(zip(a[::2], a[1::2])), ensure_ascii=False, indent=1))' "$@"
}

commit_of() {
    commit=$(git -C "$top" rev-parse --short=12 HEAD 2>/dev/null) || { echo unknown; return; }
    git -C "$top" diff --quiet HEAD 2>/dev/null || commit="$commit with changes"
    echo "$commit"
}

processor_of() {
    name=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "${name:-$(uname -m)}"
}

machine_of() {
    memory=$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo 2>/dev/null)
    echo "$(nproc) processors, ${memory:-unknown memory}, $(uname -s) $(uname -m)"
}

write_facts() {
    if [ "$threads" -eq 0 ]; then n_threads=$(nproc); else n_threads=$threads; fi
    json recipe "$recipe" title "$title" model "$(models | tr '\n' ' ' | sed 's/ $//')" note "$note" \
        commit "$(commit_of)" machine "$(machine_of)" processor "$(processor_of)" threads "$n_threads" \
        command "$command_line" date "$(date -u +%Y-%m-%d)" version "$version" \
        measure "$measure" normalize "$normalize" >"$exp/facts.json.new"
    mv "$exp/facts.json.new" "$exp/facts.json"
}

stage_report() {
    needs "$exp/score" score
    is_done report "$exp/RESULTS.md" <<EOF && return
systems $(state_of "$exp/systems.tsv")
scores $(state_of "$exp/score")
calibrations $(state_of "$exp/calibration")
comparisons $(state_of "$exp/compare")
times $(cat "$exp"/decode/*/stats.json | sum_of)
lengths $(state_of "$exp/lengths.json")
note $note
measure $measure
results $results
EOF
    [ -f "$common/report.py" ] || die "there is no $common/report.py"
    write_facts
    run "report.html and RESULTS.md" python3 -B "$common/report.py" "$exp"
    if [ "$results" != no ]; then
        cp "$exp/RESULTS.md" "$results"
        echo "  $results"
    fi
    say "the page is $exp/report.html"
    done_with report
}
