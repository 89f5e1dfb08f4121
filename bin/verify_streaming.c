/* SPDX-License-Identifier: Apache-2.0
 * verify_streaming.c - the encoder in chunks against the encoder at once. */
#include "bin/verify_streaming.h"

#include <stdio.h>
#include <string.h>

#include "decoders/decoder.h"
#include "decoders/hybrid_encoder.h"
#include "decoders/hybrid_forward.h"
#include "decoders/model.h"

enum { DEFAULT_CHUNK = 16 };

/* Writes the difference, and over how many frames. */
static int verify(const struct linnet_model *model, const char *path, const char *raw, int chunk, int left_chunks,
                  double *difference, int *n_frames, struct message *msg)
{
    struct audio_file *audio = NULL;
    struct hybrid_forward f = {0};
    int rc = audio_file_open(&audio, path, raw, DECODER_RATE_HZ, msg);
    if (rc >= 0)
        rc = hybrid_forward(&f, model->hybrid, model->pool, audio, chunk, left_chunks, msg);
    if (rc >= 0)
        rc = hybrid_forward_verify(&f, model->hybrid, model->pool, chunk, left_chunks, difference, msg);
    *n_frames = f.n_states;
    hybrid_forward_close(&f);
    audio_file_close(audio);
    return rc;
}

static int verify_all(const struct linnet_model *model, const struct hybrid_encoder_options *o, const char *raw, int n,
                      char **paths)
{
    const struct conformer_config *c = &model->hybrid->config;
    int chunk = conformer_config_chunk(c, o->chunk > 0 ? o->chunk : DEFAULT_CHUNK), code = EXIT_DONE;
    if (chunk == 0) {
        fprintf(stderr, "linnet: the model was not trained for chunks: it does not stream\n");
        return EXIT_WORK_FAILED;
    }
    for (int i = 0; i < n; i++) {
        struct message msg = {""};
        double difference = 0.0;
        int n_frames = 0, rc = verify(model, paths[i], raw, chunk, o->left_chunks, &difference, &n_frames, &msg);
        if (rc < 0 && strstr(msg.text, paths[i]) == NULL)
            fail_in(&msg, rc, paths[i]);
        if (rc < 0)
            fprintf(stderr, "linnet: %s\n", msg.text);
        else
            printf("%s: largest difference %.3g in %d frames, chunks of %d\n", paths[i], difference, n_frames, chunk);
        if (rc < 0 || !(difference <= VERIFY_STREAMING_LIMIT))
            code = EXIT_WORK_FAILED;
    }
    return code;
}

int verify_streaming(const struct decoding_options *options, const char *raw, int n, char **paths, struct message *msg)
{
    struct decoding d = {0};
    int rc = decoding_open_model(&d, options, msg);
    if (rc >= 0 && d.model->hybrid == NULL)
        rc = fail(msg, LINNET_E_UNSUPPORTED,
                  "--verify-streaming is for WeNet models: this one's encoder takes windows");
    if (rc >= 0)
        rc = verify_all(d.model, settings_of(&d.settings, &hybrid_encoder_settings), raw, n, paths);
    decoding_close(&d);
    return rc;
}
