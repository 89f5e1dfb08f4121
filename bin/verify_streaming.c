/* SPDX-License-Identifier: Apache-2.0
 * verify_streaming.c - the encoder in chunks against the encoder at once. */
#include "bin/verify_streaming.h"

#include <stdio.h>

#include "decoders/utterance/frames.h"
#include "models/forward.h"

enum { DEFAULT_CHUNK = 16 };
#define LIMIT 1e-3

/* Prints the largest difference; 1 when it is above the limit. */
static int verify(const struct linnet_model *model, const char *path, const char *raw, const struct forward_options *o,
                  struct message *msg)
{
    struct audio_file *audio = NULL;
    struct forward f = {0};
    double difference = 0.0;
    int rc = audio_file_open(&audio, path, raw, AUDIO_RATE_HZ, msg);
    if (rc >= 0 && (rc = forward_open(&f, model, audio, o, msg)) >= 0)
        rc = forward_verify(&f, model, o, &difference, msg);
    if (rc >= 0)
        printf("%s: largest difference %.3g in %d frames, chunks of %d\n", path, difference, f.n_states, o->chunk);
    forward_close(&f);
    audio_file_close(audio);
    return rc < 0 ? rc : !(difference <= LIMIT);
}

int verify_streaming(const struct decoding_options *options, const char *raw, int n, char **paths, struct message *msg)
{
    struct decoding d = {0};
    int rc = decoding_open_model(&d, options, msg), code = EXIT_DONE;
    if (rc >= 0) {
        const struct frames_options *set = settings_of(&d.settings, &frames_settings);
        struct forward_options o = {.left_chunks = set->left_chunks};
        o.chunk = encoder_chunk(d.model->encoder, set->chunk > 0 ? set->chunk : DEFAULT_CHUNK);
        if (o.chunk == 0)
            rc = fail(msg, LINNET_E_UNSUPPORTED, "the model was not trained for chunks: it does not stream");
        for (int i = 0; i < n && rc >= 0; i++) {
            struct message why = {""};
            int status = verify(d.model, paths[i], raw, &o, &why);
            if (status < 0)
                fprintf(stderr, "linnet: %s\n", why.text);
            if (status != 0)
                code = EXIT_WORK_FAILED;
        }
    }
    decoding_close(&d);
    return rc < 0 ? rc : code;
}
