/* SPDX-License-Identifier: Apache-2.0
 * ffmpeg_library.c - by the names that tell their major version, on which the layout of their structs depends. */
#include "frontend/ffmpeg_library.h"

#include <dlfcn.h>
#include <pthread.h>

#define NAME(name, version) "lib" name ".so." AV_STRINGIFY(version)

struct ffmpeg_library ffmpeg;

static int is_loaded;

static void load(void)
{
    void *format = dlopen(NAME("avformat", LIBAVFORMAT_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
    void *codec = dlopen(NAME("avcodec", LIBAVCODEC_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
    void *resample = dlopen(NAME("swresample", LIBSWRESAMPLE_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
    void *util = dlopen(NAME("avutil", LIBAVUTIL_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
    if (format == NULL || codec == NULL || resample == NULL || util == NULL)
        return;
    int found = 1;
#define FIND(library, name) found &= (*(void **)&ffmpeg.name = dlsym(library, #name)) != NULL;
#define OF_FORMAT(name) FIND(format, name)
#define OF_CODEC(name) FIND(codec, name)
#define OF_RESAMPLE(name) FIND(resample, name)
#define OF_UTIL(name) FIND(util, name)
    FFMPEG_FORMAT(OF_FORMAT)
    FFMPEG_CODEC(OF_CODEC)
    FFMPEG_RESAMPLE(OF_RESAMPLE)
    FFMPEG_UTIL(OF_UTIL)
    is_loaded = found;
}

int ffmpeg_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return is_loaded;
}
