/* SPDX-License-Identifier: Apache-2.0
 * hub_none.c - where there is no libcurl: what to do instead. */
#include <stddef.h>

#include "bin/hub.h"

int hub_open(struct hub **out, const char *repository, struct message *msg)
{
    (void)out;
    return fail(msg, LINNET_E_UNSUPPORTED,
                "%s: this linnet was built without libcurl and cannot fetch. Download config.json, "
                "generation_config.json, tokenizer.json and model.safetensors from "
                "https://huggingface.co/%s/tree/main into a folder, and name it with --model",
                repository, repository);
}

void hub_close(struct hub *h) { (void)h; }

int hub_count(const struct hub *h)
{
    (void)h;
    return 0;
}

const struct hub_file *hub_at(const struct hub *h, int i)
{
    (void)h, (void)i;
    return NULL;
}

const struct hub_file *hub_find(const struct hub *h, const char *name)
{
    (void)h, (void)name;
    return NULL;
}

int hub_get(struct hub *h, const struct hub_file *file, const char *folder, const struct hub_watch *watch,
            struct message *msg)
{
    (void)h, (void)file, (void)folder, (void)watch;
    return fail(msg, LINNET_E_UNSUPPORTED, "no libcurl");
}

uint64_t hub_arrived(const struct hub_file *file, const char *folder)
{
    (void)file, (void)folder;
    return 0;
}
