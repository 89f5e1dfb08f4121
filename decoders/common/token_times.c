/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/token_times.h"

static int meet(int a, int b, double frame_ms, double gap_ms) { return (b - a) * frame_ms < gap_ms; }

static int middle(int a, int b) { return a + (b - a) / 2; }

void token_times(const int *frames, int n, double frame_ms, double gap_ms, double offset_s, double *start_s,
                 double *end_s)
{
    for (int i = 0; i < n; i++) {
        double start_ms = frames[i] * frame_ms - gap_ms, end_ms = frames[i] * frame_ms;
        if (i > 0 && meet(frames[i - 1], frames[i], frame_ms, gap_ms))
            start_ms = middle(frames[i - 1], frames[i]) * frame_ms;
        if (i + 1 < n && meet(frames[i], frames[i + 1], frame_ms, gap_ms))
            end_ms = middle(frames[i], frames[i + 1]) * frame_ms;
        start_s[i] = offset_s + (start_ms > 0.0 ? start_ms : 0.0) / 1000.0;
        end_s[i] = offset_s + end_ms / 1000.0;
    }
}
