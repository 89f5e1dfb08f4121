#!/bin/sh
# Includes go one way: base <- nn <- frontend <- encoder <- decoders <- bin.
cd "${top_srcdir:-.}" || exit 99
below=
bad=0
for dir in base nn frontend encoder decoders bin; do
    below="${below:+$below|}$dir"
    grep -HnE '^#include "(base|nn|frontend|encoder|decoders|bin)/' $dir/*.[ch] | grep -vE "\"($below)/" && bad=1
done
exit $bad
