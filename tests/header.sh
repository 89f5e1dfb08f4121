#!/bin/sh
# The public header in C++ and in old and new C, alone and twice.
top=${top_srcdir:-.}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0
printf '#include <linnet.h>\n#include <linnet.h>\nint main(void) { return linnet_version()[0] == 0; }\n' >"$dir/use.c"
cp "$dir/use.c" "$dir/use.cc"

compiles() {
    "$@" -I "$top/include" -fsyntax-only -Wall -Wextra -pedantic -Werror || { echo "FAILED: $*"; bad=1; }
}

for std in c99 c11 c17; do
    compiles ${CC:-cc} -std=$std "$dir/use.c"
done
command -v "${CXX:-c++}" >/dev/null || { echo "no C++ compiler"; [ $bad -ne 0 ] || exit 77; exit $bad; }
for std in c++11 c++17; do
    compiles "${CXX:-c++}" -std=$std "$dir/use.cc"
done
exit $bad
