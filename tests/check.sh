# SPDX-License-Identifier: Apache-2.0
# check.sh - what `quickstart check` does: builds with gcc and clang, every test, plain and under the sanitizers, and a
# release archive. Read by quickstart, whose functions and variables it uses.

for_checking="clang clang-format libcunit1-dev xz-utils pulseaudio pulseaudio-utils libasound2-plugins curl python3-venv
    chromium openssl nodejs node-ws gnuplot-nox sox parallel slurmctld slurmd slurm-client munge"

failed=
step() {
    name=$1
    shift
    say "check: $name"
    started=$(date +%s)
    quietly "$build/check/$(echo "$name" | tr -c 'a-z\n' _).log" "$@" || failed="$failed$name; "
    say "check: $name took $(($(date +%s) - started)) s"
}

# build_variant DIR OPTION...: everything compiled, the tests too.
build_variant() {
    configure_in "$@" && make -C "$1" -j"$jobs" && make -C "$1" -j"$jobs" check TESTS=
}

# The tests in which several threads work at once.
threaded="tests/unit/test_base tests/unit/test_ring tests/unit/test_nn tests/unit/test_features
    tests/unit/test_conformer tests/unit/test_rescoring tests/unit/test_wenet_parity tests/unit/test_utterance_streams
    tests/unit/test_whisper tests/unit/test_batch tests/unit/test_stream tests/unit/test_live tests/unit/test_files
    tests/program/data_lists.sh
    tests/program/serve_access.sh tests/program/serve_faults.sh tests/program/serve_http.sh
    tests/program/serve_openai.sh"

# sanitized DIR LIST [MAKE ARGUMENT...]: the sanitizers slow things down: -O1. They also make gcc warn of what is not
# so: warnings are no errors here.
sanitized() {
    dir=$1 which=$2
    shift 2
    build_variant "$dir" --enable-sanitize="$which" CFLAGS="-O1 -g1" &&
        LINNET_TEST_FEW=1 make -C "$dir" check VERBOSE=1 "$@"
}

# get_python FOLDER: a virtual environment with the packages of tests/support/python.txt; what is as it lists is kept.
get_python() {
    list=tests/support/python.txt
    cmp -s $list "$1/installed.txt" && return 0
    say "installing Python packages with pip: $(grep '^[^#]' $list | tr '\n' ' ')"
    rm -rf "$1"
    quietly "$build/check/python.log" python3 -m venv "$1" &&
        quietly "$build/check/python.log" "$1/bin/python" -m pip --disable-pip-version-check install -q --no-deps \
            --only-binary :all: -r $list && cp $list "$1/installed.txt"
}

print_logs() {
    for log in "$build"/check/*/tests/*.log "$build"/check/*/tests/*/*.log; do
        [ ! -f "$log" ] || { printf '\n==> %s\n' "${log#"$build"/}"; cat "$log"; }
    done
    skipped=$(grep -ls '^:test-result: SKIP' "$build"/check/*/tests/*.trs "$build"/check/*/tests/*/*.trs || true)
    printf '\nSkipped:\n%s\n' "${skipped:-none}"
}

# shellcheck disable=SC2086
if ! install_packages $for_building $for_checking; then look_without_apt clang xz; fi
gcc=$build/check/gcc
rm -f "$build"/check/*/tests/*.log "$build"/check/*/tests/*/*.log "$build"/check/*/tests/*.trs \
    "$build"/check/*/tests/*/*.trs
step "build with gcc" build_variant "$gcc" CC=gcc --enable-werror
get_model "$gcc/linnet" || say "no model: the tests that need it will be skipped"
get_detector "$gcc/linnet" || say "no voice detector: the tests that need it will be skipped"
if get_python "$build/check/python"; then
    LINNET_TEST_PYTHON=$build/check/python/bin/python export LINNET_TEST_PYTHON
else
    say "no Python packages: the tests that need them will be skipped"
fi
step "test" make -C "$gcc" check VERBOSE=1
step "build with clang" build_variant "$build/check/clang" CC=clang --enable-werror
step "test under address and undefined sanitizers" sanitized "$build/check/address" address,undefined
step "test under thread sanitizer" sanitized "$build/check/thread" thread "TESTS=$(echo $threaded)"
step "distcheck" make -C "$gcc" -j"$jobs" distcheck VERBOSE=1
print_logs
[ -z "$failed" ] || die "check failed: ${failed%; }"
say "check passed"
