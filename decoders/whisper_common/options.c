/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/whisper_common/options.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define FIELD(name) offsetof(struct whisper_options, name)

static const struct setting settings[] = {
    {"decoder.patience", SETTING_NUMBER, FIELD(patience), "1", 0.01, 100, NULL,
     "a beam search ends after patience * beam finished hypotheses"},
    {"decoder.best_of", SETTING_INT, FIELD(best_of), "5", 1, 100, NULL, "samples drawn at temperatures above 0"},
    {"decoder.temperature", SETTING_LIST, FIELD(temperature), "0,0.2,0.4,0.6,0.8,1", 0, 10, NULL,
     "temperatures tried in turn until the text is accepted"},
    {"decoder.seed", SETTING_INT, FIELD(seed), "0", 0, 2147483647, NULL, "seed of the random numbers for sampling"},
    {"decoder.compression_ratio_threshold", SETTING_NUMBER, FIELD(compression_ratio_threshold), "2.4", 0, 1000, NULL,
     "text that compresses better than this is repetitive and not accepted; 0: never"},
    {"decoder.logprob_threshold", SETTING_NUMBER, FIELD(logprob_threshold), "-1", -1000, 0, NULL,
     "text whose mean log probability is below this is not accepted; -1000: never"},
    {"decoder.no_speech_threshold", SETTING_NUMBER, FIELD(no_speech_threshold), "0.6", 0, 1, NULL,
     "a window is silence if its no-speech probability is above this and its text below logprob_threshold; 1: never"},
    {"decoder.condition_on_previous", SETTING_BOOL, FIELD(condition_on_previous), "true", 0, 1, NULL,
     "the text of earlier windows is context for the next"},
    {"decoder.initial_prompt", SETTING_TEXT, FIELD(initial_prompt), "", 0, 0, NULL,
     "text that is context for the first window"},
    {"decoder.prefix", SETTING_TEXT, FIELD(prefix), "", 0, 0, NULL, "text that the first window's begins with"},
    {"decoder.hotwords_prompt", SETTING_BOOL, FIELD(hotwords_prompt), "true", 0, 1, NULL,
     "hotwords are also context, before the text so far"},
    {"decoder.suppress_tokens", SETTING_LIST, FIELD(suppress_tokens), "-1", -1, 1000000, NULL,
     "ids that are never decoded; -1 stands for those of annotations and symbols"},
    {"decoder.suppress_blank", SETTING_BOOL, FIELD(suppress_blank), "true", 0, 1, NULL,
     "a window's text neither starts with a space nor ends at once"},
    {"decoder.timestamps", SETTING_BOOL, FIELD(timestamps), "true", 0, 1, NULL,
     "decode time stamps, and end windows at them"},
    {"decoder.max_initial_timestamp", SETTING_NUMBER, FIELD(max_initial_timestamp_s), "1", 0, 30, NULL,
     "latest first time stamp of a window, in seconds"},
    {"decoder.alignment_heads", SETTING_CHOICE, FIELD(alignment_heads), "upper", 0, 0,
     SETTING_CHOICES(WHISPER_ALIGNMENT_HEADS),
     "attention heads that word times come from: of the upper layers, or those that the model names"},
    {"decoder.padding", SETTING_CHOICE, FIELD(padding), "zero", 0, 0, SETTING_CHOICES(WHISPER_PADDINGS),
     "what fills a window after the end of the audio: 0 in the spectrogram (as transcribe of openai-whisper and "
     "faster-whisper), or silence (as openai-whisper's decode)"},
    {"decoder.context", SETTING_CHOICE, FIELD(context), "auto", 0, 0, SETTING_CHOICES(WHISPER_CONTEXTS),
     "how much of a window with less than 30 s of audio is encoded: full: 30 s, as other programs do; audio: the audio "
     "and two seconds, and 30 s only where the text is not accepted then, which takes less time; auto: full in single "
     "precision, else audio"},
    {"decoder.skip_silence", SETTING_BOOL, FIELD(skip_silence), "true", 0, 1, NULL,
     "do not decode stretches of two seconds and more without voice activity"},
    {"language.each_window", SETTING_BOOL, FIELD(each_window), "false", 0, 1, NULL,
     "language=auto: detect it in each window, for recordings in several languages, not only in the first"},
    {0}};

const struct settings_table whisper_settings = {"Whisper", sizeof(struct whisper_options), settings};

/* The ids that are never decoded: -1 in the list stands for annotations; those of special tokens that are no text are
 * always among them. */
static int suppressed_list(int **out, int *n_out, const struct whisper_vocab *vocab, const struct settings_list *wanted,
                           struct message *msg)
{
    const struct whisper_specials *s = &vocab->special;
    const int always[] = {s->transcribe, s->translate, s->sot, s->sot_prev, s->sot_lm, s->no_speech};
    const int n_always = (int)(sizeof always / sizeof always[0]);
    int *annotations = NULL, n_annotations = 0, n = 0, rc = LINNET_OK;
    for (int i = 0; i < wanted->n && annotations == NULL && rc >= 0; i++)
        if (wanted->at[i] < 0)
            rc = whisper_vocab_non_speech(vocab, &annotations, &n_annotations, msg);
    if (rc < 0)
        return rc;
    int *ids = mem_array((size_t)(n_annotations + n_always + wanted->n), sizeof *ids);
    if (ids == NULL) {
        mem_free(annotations);
        return fail_memory(msg);
    }
    for (int i = 0; i < n_annotations; i++)
        ids[n++] = annotations[i];
    for (int i = 0; i < wanted->n; i++)
        if (wanted->at[i] >= 0 && wanted->at[i] < vocab->base.n)
            ids[n++] = (int)wanted->at[i];
    for (int i = 0; i < n_always; i++)
        ids[n++] = always[i];
    mem_free(annotations);
    *out = ids;
    *n_out = n;
    return LINNET_OK;
}

int whisper_options_for_search(const struct whisper_options *whisper, const struct decoder_options *shared,
                               const struct whisper_vocab *vocab, struct whisper_search_options *options,
                               int **suppressed, struct message *msg)
{
    memset(options, 0, sizeof *options);
    options->beam = shared->beam > 0 ? shared->beam : 1;
    options->best_of = whisper->best_of;
    options->patience = whisper->patience;
    options->length_penalty = shared->length_penalty;
    options->timestamps = whisper->timestamps;
    options->max_initial_timestamp = (int)lrint(whisper->max_initial_timestamp_s / 0.02);
    options->suppress_blank = whisper->suppress_blank;
    options->max_tokens = shared->max_tokens;
    int rc = suppressed_list(suppressed, &options->n_suppressed, vocab, &whisper->suppress_tokens, msg);
    if (rc >= 0)
        options->suppressed = *suppressed;
    return rc;
}
