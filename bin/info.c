/* SPDX-License-Identifier: Apache-2.0
 * info.c - `linnet info`: what a model is.
 *
 * A list of facts, each a name and a value, is made of the model and then written as text or JSON. */
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "bin/decoding.h"
#include "decoders/hybrid_model.h"
#include "decoders/model.h"
#include "decoders/whisper_model.h"

struct info_options {
    struct decoding_options decoding;
    int json;
};

static const struct info_options defaults = {0};

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct info_options, json), NULL, "as JSON", 0, 0, NULL, NULL}, {0}};

/* A writer of facts: text is "name  value", JSON "name": value. */
struct facts {
    struct buffer out;
    int json, rc;
};

static void name(struct facts *f, const char *text)
{
    if (f->rc >= 0)
        f->rc = f->json ? buffer_printf(&f->out, "%s\n \"%s\": ", f->out.n > 1 ? "," : "", text)
                        : buffer_printf(&f->out, "%-18s ", text);
}

static void end(struct facts *f)
{
    if (f->rc >= 0 && !f->json)
        f->rc = buffer_puts(&f->out, "\n");
}

static void fact(struct facts *f, const char *what, const char *value)
{
    name(f, what);
    if (f->rc >= 0)
        f->rc = f->json ? json_write_text(&f->out, value) : buffer_puts(&f->out, value);
    end(f);
}

static void fact_number(struct facts *f, const char *what, double value, int decimals)
{
    name(f, what);
    if (f->rc >= 0)
        f->rc = json_write_number(&f->out, value, decimals);
    end(f);
}

/* The languages that a Whisper model knows, as a list of codes. */
static void fact_languages(struct facts *f, const struct whisper_vocab *v)
{
    const struct whisper_specials *s = &v->special;
    name(f, "languages");
    if (f->rc >= 0 && f->json)
        f->rc = buffer_puts(&f->out, "[");
    for (int i = 0; i < (s->n_languages > 0 ? s->n_languages : 1) && f->rc >= 0; i++) {
        const char *code = s->n_languages > 0 ? whisper_vocab_language_code(v, s->first_language + i) : "en";
        f->rc = buffer_printf(&f->out, f->json ? "%s\"%s\"" : "%s%s", i == 0 ? "" : f->json ? ", " : " ", code);
    }
    if (f->rc >= 0 && f->json)
        f->rc = buffer_puts(&f->out, "]");
    end(f);
}

/* Layer and head of each alignment head. */
static void fact_heads(struct facts *f, const struct whisper_model *m)
{
    int heads = m->config.decoder_heads, all = m->config.decoder_layers * heads;
    name(f, "alignment_heads");
    if (f->rc >= 0 && f->json)
        f->rc = buffer_puts(&f->out, "[");
    for (int i = 0, n = 0; i < all && f->rc >= 0; i++) {
        if (m->tap_index[i] < 0)
            continue;
        const char *before = n++ == 0 ? "" : f->json ? ", " : " ";
        f->rc = buffer_printf(&f->out, f->json ? "%s[%d, %d]" : "%s%d:%d", before, i / heads, i % heads);
    }
    if (f->rc >= 0 && f->json)
        f->rc = buffer_puts(&f->out, "]");
    end(f);
}

static void whisper_facts(struct facts *f, const struct whisper_model *m)
{
    const struct whisper_config *c = &m->config;
    fact_number(f, "d_model", c->d_model, 0);
    fact_number(f, "encoder_layers", c->encoder_layers, 0);
    fact_number(f, "encoder_heads", c->encoder_heads, 0);
    fact_number(f, "encoder_ffn", c->encoder_ffn, 0);
    fact_number(f, "decoder_layers", c->decoder_layers, 0);
    fact_number(f, "decoder_heads", c->decoder_heads, 0);
    fact_number(f, "decoder_ffn", c->decoder_ffn, 0);
    fact_number(f, "window_frames", c->n_audio_ctx, 0);
    fact_number(f, "text_tokens", c->n_text_ctx, 0);
    fact_languages(f, m->vocab);
    fact_heads(f, m);
    fact(f, "truncation_head", m->head_weight != NULL ? "yes" : "no");
    fact(f, "front_end", "Whisper log-mel, frames of 25 ms every 10 ms");
}

/* How the encoder may be run. */
static const char *chunks(const struct conformer_config *c, char *text, size_t size)
{
    if (c->static_chunk > 0)
        snprintf(text, size, "of %d frames", c->static_chunk);
    else
        snprintf(text, size, "%s", c->dynamic_chunk ? "of any size" : "no");
    return text;
}

static void decoder_facts(struct facts *f, const char *layers, const char *hidden, const struct attention_decoder *d)
{
    fact_number(f, layers, d != NULL ? d->config.n_blocks : 0, 0);
    if (d != NULL)
        fact_number(f, hidden, d->config.n_hidden, 0);
}

static void hybrid_facts(struct facts *f, const struct hybrid_model *m)
{
    const struct conformer_config *c = &m->config;
    char text[120];
    fact(f, "encoder", c->is_transformer ? "Transformer" : "Conformer");
    fact_number(f, "d_model", c->n_dims, 0);
    fact_number(f, "encoder_layers", c->n_blocks, 0);
    fact_number(f, "encoder_heads", c->n_heads, 0);
    fact_number(f, "encoder_ffn", c->n_hidden, 0);
    fact_number(f, "kernel", c->convolution ? c->kernel : 0, 0);
    fact(f, "convolution", !c->convolution ? "none" : c->causal ? "causal" : "symmetric");
    fact_number(f, "subsampling", m->encoder->subsampling.rate, 0);
    fact(f, "chunks", chunks(c, text, sizeof text));
    decoder_facts(f, "decoder_layers", "decoder_ffn", m->left);
    decoder_facts(f, "right_layers", "right_ffn", m->right);
    fact_number(f, "reverse_weight", m->reverse_weight, 4);
    fact_number(f, "blank", m->blank, 0);
    fact_number(f, "sos", m->sos, 0);
    fact_number(f, "eos", m->eos, 0);
    fact(f, "normalization", m->encoder->subsampling.mean != NULL ? "mean and variance" : "none");
    snprintf(text, sizeof text, "Kaldi log mel filterbank, frames of %g ms every %g ms", m->features.length_ms,
             m->features.shift_ms);
    fact(f, "front_end", text);
}

static int make_facts(struct facts *f, const linnet_model *m)
{
    struct linnet_model_info i = {.size = sizeof i};
    int rc = linnet_model_info(m, &i);
    if (rc < 0)
        return rc;
    f->rc = f->json ? buffer_puts(&f->out, "{") : LINNET_OK;
    fact(f, "directory", m->dir);
    fact(f, "kind", i.kind);
    fact(f, "description", i.description);
    fact_number(f, "parameters", (double)i.n_parameters, 0);
    fact_number(f, "weight_bytes", (double)i.n_weight_bytes, 0);
    fact_number(f, "sample_rate_hz", i.sample_rate_hz, 0);
    fact_number(f, "mel_bins", i.n_mels, 0);
    fact_number(f, "frame_s", i.frame_s, 4);
    fact_number(f, "vocabulary", i.n_vocabulary, 0);
    if (m->whisper != NULL)
        whisper_facts(f, m->whisper);
    else
        hybrid_facts(f, m->hybrid);
    return f->rc < 0 || !f->json ? f->rc : buffer_puts(&f->out, "\n}\n");
}

static int run(void *values, int n, char **arguments, struct message *msg)
{
    struct info_options *o = values;
    struct decoding d = {0};
    struct facts f = {.json = o->json};
    (void)n;
    o->decoding.model = arguments[0];
    int rc = decoding_open_model(&d, &o->decoding, msg);
    if (rc >= 0 && (rc = make_facts(&f, d.model)) < 0)
        fail(msg, rc, "%s", linnet_strerror(rc));
    if (rc >= 0)
        fputs(f.out.data, stdout);
    buffer_free(&f.out);
    decoding_close(&d);
    return rc;
}

const struct command info_command = {
    .name = "info",
    .summary = "what a model is",
    .arguments = "MODEL",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
