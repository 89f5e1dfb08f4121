/* SPDX-License-Identifier: Apache-2.0
 * prompt.c - as in openai-whisper's decoding.py: sot_prev and the end of the text so far (hotwords before it, where
 * faster-whisper has them), the start sequence (sot, language, task), no_timestamps where they are not wanted, and at
 * the start of a recording the prefix. */
#include "decoders/whisper_common/prompt.h"

#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "decoders/whisper_common/options.h"
#include "vocab/whisper_language.h"

int whisper_prompt_encode(const struct whisper_vocab *vocab, const char *text, int **ids, int *n, struct message *msg)
{
    struct buffer b = {0};
    *ids = NULL;
    *n = 0;
    while (*text == ' ')
        text++;
    if (*text == '\0')
        return LINNET_OK;
    int rc = buffer_printf(&b, " %s", text);
    while (rc >= 0 && b.n > 0 && b.data[b.n - 1] == ' ')
        b.n--;
    rc = rc < 0 ? fail_memory(msg) : whisper_vocab_encode(vocab, b.data, b.n, ids, n, msg);
    buffer_free(&b);
    return rc;
}

int whisper_prompt_language_setting(const struct whisper_vocab *vocab, const struct decoder_options *options,
                                    int *language, struct message *msg)
{
    const char *name = options->language;
    *language = -1;
    if (vocab->special.n_languages == 0) {
        int wanted = strcmp(name, "auto") == 0 || whisper_language_find(name) == 0;
        if (!wanted)
            return fail(msg, LINNET_E_UNSUPPORTED, "language '%s': this model knows English only", name);
        if (options->task == DECODER_TRANSLATE)
            return fail(msg, LINNET_E_UNSUPPORTED, "task 'translate': this model knows English only");
    } else if (strcmp(name, "auto") != 0) {
        const char *nearest = whisper_language_nearest(name);
        *language = whisper_vocab_language(vocab, name);
        if (*language < 0 && nearest != NULL && whisper_language_find(name) < 0)
            return fail(msg, LINNET_E_ARGUMENT, "language '%s' is not one of the model's; did you mean '%s'?", name,
                        nearest);
        if (*language < 0)
            return fail(msg, LINNET_E_ARGUMENT, "language '%s' is not one of the model's (en, de, zh, ..., or auto)",
                        name);
    }
    return LINNET_OK;
}

int whisper_prompt_open(struct whisper_prompt *p, const struct linnet_model *model, const struct settings *settings,
                        struct message *msg)
{
    const struct whisper_options *o = settings_of(settings, &whisper_settings);
    *p = (struct whisper_prompt){.vocab = whisper_vocab_of(model->vocab),
                                 .shared = settings_of(settings, &decoder_settings),
                                 .timestamps = o->timestamps,
                                 .n_text_ctx = model->left->config.n_positions};
    int rc;
    if ((rc = whisper_prompt_language_setting(p->vocab, p->shared, &p->language, msg)) < 0 ||
        (rc = whisper_prompt_encode(p->vocab, o->initial_prompt, &p->past, &p->n_initial, msg)) < 0 ||
        (rc = whisper_prompt_encode(p->vocab, o->prefix, &p->prefix, &p->n_prefix, msg)) < 0) {
        whisper_prompt_close(p);
        return rc;
    }
    p->max_past = p->n_past = p->n_initial;
    return LINNET_OK;
}

void whisper_prompt_close(struct whisper_prompt *p)
{
    mem_free(p->past);
    mem_free(p->prefix);
    mem_free(p->hotwords);
    *p = (struct whisper_prompt){0};
}

int whisper_prompt_set_hotwords(struct whisper_prompt *p, const char *const *phrases, size_t n, struct message *msg)
{
    struct buffer text = {0};
    int *ids = NULL, n_ids = 0, rc = buffer_puts(&text, "");
    for (size_t i = 0; i < n && rc >= 0; i++)
        rc = buffer_printf(&text, "%s%s", i > 0 ? ", " : "", phrases[i]);
    rc = rc < 0 ? fail_memory(msg) : whisper_prompt_encode(p->vocab, buffer_text(&text), &ids, &n_ids, msg);
    buffer_free(&text);
    if (rc < 0)
        return rc;
    mem_free(p->hotwords);
    p->hotwords = ids;
    p->n_hotwords = n_ids;
    return LINNET_OK;
}

void whisper_prompt_reset(struct whisper_prompt *p)
{
    (void)!whisper_prompt_language_setting(p->vocab, p->shared, &p->language, NULL); /* checked when opened */
    p->n_past = p->n_initial;
    p->context_from = 0;
}

const char *whisper_prompt_language(const struct whisper_prompt *p)
{
    return p->language >= 0 ? whisper_vocab_language_code(p->vocab, p->language) : "en";
}

int whisper_prompt_task(const struct whisper_vocab *vocab, const struct decoder_options *options, int language,
                        int task[2])
{
    const struct whisper_specials *s = &vocab->special;
    if (s->n_languages == 0)
        return 0;
    task[0] = language;
    task[1] = options->task == DECODER_TRANSLATE ? s->translate : s->transcribe;
    return 2;
}

int whisper_prompt_start(const struct whisper_prompt *p, int start[3])
{
    start[0] = p->vocab->special.sot;
    return 1 + whisper_prompt_task(p->vocab, p->shared, p->language, start + 1);
}

int whisper_prompt_make(const struct whisper_prompt *p, int is_first, int *prompt)
{
    int most = p->n_text_ctx / 2 - 1, n = 0;
    int n_hotwords = p->n_hotwords < most / 2 ? p->n_hotwords : most / 2, n_past = most - n_hotwords;
    int from = p->context_from > p->n_past - n_past ? p->context_from : p->n_past - n_past;
    if (from < p->n_past || n_hotwords > 0)
        prompt[n++] = p->vocab->special.sot_prev;
    for (int i = 0; i < n_hotwords; i++)
        prompt[n++] = p->hotwords[i];
    for (int i = from < 0 ? 0 : from; i < p->n_past; i++)
        prompt[n++] = p->past[i];
    n += whisper_prompt_start(p, prompt + n);
    if (!p->timestamps)
        prompt[n++] = p->vocab->special.no_timestamps;
    for (int i = 0; i < p->n_prefix && i < most / 2 && is_first; i++)
        prompt[n++] = p->prefix[i];
    return n;
}

int whisper_prompt_add(struct whisper_prompt *p, const int *tokens, int n, struct message *msg)
{
    int keep = p->n_text_ctx;
    if (p->n_past > 2 * keep + p->n_initial) { /* a prompt holds only the end of it */
        int drop = p->n_past - keep - p->n_initial, *text = p->past + p->n_initial;
        memmove(text, text + drop, (size_t)keep * sizeof *text);
        p->n_past -= drop;
        p->context_from = p->context_from > drop ? p->context_from - drop : 0;
    }
    if (n == 0)
        return LINNET_OK;
    if (MEM_GROW(p->past, p->max_past, p->n_past + n) < 0)
        return fail_memory(msg);
    memcpy(p->past + p->n_past, tokens, (size_t)n * sizeof *tokens);
    p->n_past += n;
    return LINNET_OK;
}

void whisper_prompt_drop_past(struct whisper_prompt *p) { p->context_from = p->n_past; }
