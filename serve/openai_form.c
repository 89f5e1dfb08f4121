/* SPDX-License-Identifier: Apache-2.0
 * openai_form.c - a field that means nothing here is refused: who sends it expects something. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "serve/openai.h"

#define FIELD(name) offsetof(struct openai_form, name)
#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"model", FIELD(model)},     {"language", FIELD(language)},
    {"prompt", FIELD(prompt)},   {"temperature", FIELD(temperature)},
    {"decoder", FIELD(decoder)},
};

/* Fields of a few words each, some several times. */
enum { IS_FORMAT = 0, IS_STREAM, IS_TIMES, IS_INCLUDED, IS_CHUNKING, N_KINDS };
static const struct {
    const char *name;
    const char *words; /* those that are understood, a blank after each */
} choices[N_KINDS] = {
    [IS_FORMAT] = {"response_format", "json text srt vtt verbose_json "}, /* as enum openai_format */
    [IS_STREAM] = {"stream", "false true "},
    [IS_TIMES] = {"timestamp_granularities", "word segment "},
    [IS_INCLUDED] = {"include", "logprobs progress "},
    [IS_CHUNKING] = {"chunking_strategy", "auto "}, /* pauses are found in any case */
};

/* The place of a word in such a list, or -1. */
static int place_of(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (int i = 0; *words != '\0'; i++, words = strchr(words, ' ') + 1)
        if (strcspn(words, " ") == n && memcmp(words, word, n) == 0)
            return i;
    return -1;
}

static int choose(struct openai_form *f, int kind, const char *value, struct message *msg)
{
    int place = place_of(choices[kind].words, value);
    f->param = choices[kind].name;
    if (place < 0)
        return fail(msg, LINNET_E_ARGUMENT, "'%.50s' is not one of: %s", value, choices[kind].words);
    if (kind == IS_FORMAT)
        f->format = (enum openai_format)place;
    else if (kind == IS_STREAM)
        f->is_stream = place;
    else if (kind == IS_TIMES)
        *(place == 0 ? &f->has_words : &f->has_segments) = 1;
    else if (kind == IS_INCLUDED)
        *(place == 0 ? &f->has_logprobs : &f->has_progress) = 1;
    return LINNET_OK;
}

static int read_field(struct openai_form *f, const char *name, const char *value, struct message *msg)
{
    size_t n = strlen(name);
    if (n > 2 && strcmp(name + n - 2, "[]") == 0)
        n -= 2;
    for (int kind = 0; kind < N_KINDS; kind++)
        if (strlen(choices[kind].name) == n && memcmp(choices[kind].name, name, n) == 0)
            return choose(f, kind, value, msg);
    for (int i = 0; i < COUNT(texts); i++)
        if (strcmp(texts[i].name, name) == 0) {
            *(const char **)(void *)((char *)f + texts[i].offset) = *value != '\0' ? value : NULL;
            return LINNET_OK;
        }
    f->param = name;
    return fail(msg, LINNET_E_ARGUMENT, "'%s' is not supported here", name);
}

/* 0 is what the model does by itself: several temperatures where one does not do. */
static int check_temperature(struct openai_form *f, struct message *msg)
{
    char *end;
    if (f->temperature == NULL)
        return LINNET_OK;
    double value = strtod(f->temperature, &end);
    if (*end != '\0' || !(value >= 0 && value <= 1)) {
        f->param = "temperature";
        return fail(msg, LINNET_E_ARGUMENT, "a temperature is a number from 0 to 1");
    }
    if (!(value > 0))
        f->temperature = NULL;
    return LINNET_OK;
}

static int check_together(struct openai_form *f, struct message *msg)
{
    int is_json = f->format == OPENAI_JSON, is_verbose = f->format == OPENAI_VERBOSE_JSON;
    f->param = "timestamp_granularities";
    if ((f->has_words || f->has_segments) && !is_verbose)
        return fail(msg, LINNET_E_ARGUMENT, "timestamp_granularities need response_format=verbose_json");
    f->param = "include";
    if (f->has_logprobs && !is_json)
        return fail(msg, LINNET_E_ARGUMENT, "include[]=logprobs needs response_format=json");
    if (f->has_progress && !f->is_stream)
        return fail(msg, LINNET_E_ARGUMENT, "include[]=progress needs stream=true");
    f->param = "stream";
    if (f->is_stream && !is_json && !is_verbose && f->format != OPENAI_TEXT)
        return fail(msg, LINNET_E_ARGUMENT, "stream=true needs response_format=json, verbose_json or text");
    f->param = NULL;
    f->has_segments |= is_verbose && !f->has_words;
    return LINNET_OK;
}

int openai_form_read(struct openai_form *f, const struct upload *u, struct message *msg)
{
    const char *name, *value;
    int rc = LINNET_OK;
    *f = (struct openai_form){0};
    for (int i = 0; rc >= 0 && (value = upload_text(u, i, &name)) != NULL; i++)
        rc = read_field(f, name, value, msg);
    if (rc >= 0 && (rc = check_temperature(f, msg)) >= 0)
        rc = check_together(f, msg);
    return rc;
}
