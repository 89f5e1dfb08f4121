#!/bin/sh
# Includes go one way: base <- nn <- frontend <- encoder <- decoders <- bin.
cd "${top_srcdir:-.}" || exit 99
below=
bad=0
for dir in base nn frontend encoder decoders bin; do
    below="${below:+$below|}$dir"
    if grep -HnE '^#include "(base|nn|frontend|encoder|decoders|bin)/' $dir/*.[ch] 2>/dev/null | grep -vE "\"($below)/"; then
        bad=1
    fi
done
exit $bad
