/* SPDX-License-Identifier: Apache-2.0
 * detector.c - finding the weights of the voice detector. */
#include "models/detector.h"

#include "frontend/vad.h"
#include "models/find.h"

/* Where the file is in the model cache, or would be. */
static int in_cache(char path[FILE_MAX_PATH], struct message *msg)
{
    char folder[FILE_MAX_PATH];
    int rc = model_cache(folder, msg);
    return rc < 0 ? rc : file_in(path, folder, DETECTOR_FILE, msg);
}

int detector_find(struct settings *s, struct message *msg)
{
    const struct vad_options *o = settings_of(s, &vad_settings);
    char path[FILE_MAX_PATH];
    if (o->model[0] != '\0' || o->kind == VAD_ENERGY)
        return LINNET_OK;
    int rc = in_cache(path, msg);
    if (rc >= 0 && file_exists(path))
        return settings_set_key(s, "vad.model", path, msg);
    if (o->kind == VAD_AUTO)
        return LINNET_OK;
    return rc < 0 ? rc
                  : fail(msg, LINNET_E_IO,
                         "vad.kind=silero: there is no %s; ./quickstart fetches it, 'linnet convert' makes it of "
                         "silero_vad_16k_op15.onnx in the Python package silero-vad",
                         path);
}

void detector_facts(struct facts *f)
{
    char path[FILE_MAX_PATH];
    int is_there = in_cache(path, NULL) >= 0 && file_exists(path);
    facts_text(f, "voice_detector", is_there ? "silero" : "energy");
}
