#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh --data DATA [--model NAME] [OPTION...]: a Whisper model on any data (as in recipes/custom), `--help` lists the
# options.  A model that is not there is fetched: --model small, --model "base small" for two side by side.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/recipe.sh"

recipe=whisper
title="a Whisper model on data of one's own"
normalize=whisper-basic

recipe_main "$@"
