/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "base/utf8.h"
#include "decoders/common/model.h"
#include "serve/models.h"
#include "serve/wyoming.h"
#include "vocab/whisper_language.h"
#include "vocab/whisper_vocab.h"

#define FIRST_HAN 0x4e00u

static json_t *list_whisper(const struct whisper_vocab *v)
{
    json_t *list = json_array();
    for (int i = 0; i < v->special.n_languages; i++) {
        const char *code = whisper_vocab_language_code(v, v->special.first_language + i);
        if (code != NULL)
            json_array_append_new(list, json_string(code));
    }
    if (v->special.n_languages == 0)
        json_array_append_new(list, json_string("en"));
    return list;
}

/* Of a model that does not say what its language is: Chinese if most units are Chinese characters, else English.
 * Home Assistant offers no model without a language. */
static const char *guess(const struct vocab *v)
{
    int n_han = 0;
    for (int i = 0; i < v->n; i++) {
        const char *unit = vocab_token(v, i);
        uint32_t code = 0;
        if (unit != NULL && *unit != '\0')
            utf8_next(unit, strlen(unit), &code);
        n_han += code >= FIRST_HAN && code < 0xa000;
    }
    return n_han > v->n / 2 ? "zh" : "en";
}

static json_t *list_languages(const struct linnet_model *m, const char *language)
{
    if (m->vocab->has_tasks)
        return list_whisper(whisper_vocab_of(m->vocab));
    return json_pack("[s]", language != NULL ? language : guess(m->vocab));
}

static json_t *attribution(void) { return json_pack("{ss ss}", "name", "linnet", "url", ""); }

static json_t *describe(const struct serve_model *m, const char *language)
{
    const struct linnet_model *model = m->decoding.model;
    return json_pack("{ss so sb ss ss so}", "name", m->name, "attribution", attribution(), "installed", 1,
                     "description", model->description, "version", linnet_version(), "languages",
                     list_languages(model, language));
}

json_t *wyoming_info(const struct serve_models *models, const char *language)
{
    json_t *list = json_array();
    for (int i = 0; i < models->n; i++)
        json_array_append_new(list, describe(&models->at[i], language));
    return json_pack("{s[{ss so sb ss ss so sb sb}]}", "asr", "name", "linnet", "attribution", attribution(),
                     "installed", 1, "description", "Speech to text", "version", linnet_version(), "models", list,
                     "supports_transcript_streaming", 1, "requires_external_vad", 1);
}
