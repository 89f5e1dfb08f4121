/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/whisper/bias.h"

#include "decoders/whisper_common/options.h"
#include "decoders/whisper_common/phrases.h"

int whisper_bias_set(struct whisper_search *search, struct whisper_prompt *prompt, const struct decoder_host *host,
                     const char *const *phrases, const float *bonus, size_t n, struct buffer *unspelled)
{
    const struct decoder_options *shared = settings_of(host->settings, &decoder_settings);
    const struct whisper_options *o = settings_of(host->settings, &whisper_settings);
    struct hotwords *hotwords = NULL;
    int n_spelled = whisper_phrases_open(&hotwords, host, phrases, bonus, n, unspelled);
    if (n_spelled < 0)
        return n_spelled;
    int rc = whisper_prompt_set_hotwords(prompt, phrases, o->hotwords_prompt ? n : 0, host->msg);
    if (rc < 0) {
        hotwords_close(hotwords);
        return rc;
    }
    whisper_search_set_hotwords(search, hotwords, shared->beam == 0);
    return n_spelled;
}
