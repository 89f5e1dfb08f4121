/* SPDX-License-Identifier: Apache-2.0
 * ffmpeg_library.h - FFmpeg's libraries, loaded when a recording first needs them.
 *
 * Linked, they and the hundred libraries that they need would be loaded at each start of the program, which takes
 * longer than everything else that it does before it decodes. */
#ifndef LINNET_FRONTEND_FFMPEG_LIBRARY_H
#define LINNET_FRONTEND_FFMPEG_LIBRARY_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libswresample/swresample.h>

#define FFMPEG_FORMAT(X)                                                                                               \
    X(av_find_best_stream)                                                                                             \
    X(av_read_frame)                                                                                                   \
    X(avformat_alloc_context)                                                                                          \
    X(avformat_close_input)                                                                                            \
    X(avformat_find_stream_info) X(avformat_open_input) X(avio_alloc_context) X(avio_context_free)
#define FFMPEG_CODEC(X)                                                                                                \
    X(av_get_audio_frame_duration)                                                                                     \
    X(av_packet_alloc)                                                                                                 \
    X(av_packet_free)                                                                                                  \
    X(av_packet_get_side_data)                                                                                         \
    X(av_packet_unref)                                                                                                 \
    X(avcodec_alloc_context3)                                                                                          \
    X(avcodec_free_context)                                                                                            \
    X(avcodec_get_name)                                                                                                \
    X(avcodec_open2) X(avcodec_parameters_to_context) X(avcodec_receive_frame) X(avcodec_send_packet)
#define FFMPEG_RESAMPLE(X) X(swr_alloc_set_opts2) X(swr_convert) X(swr_free) X(swr_get_out_samples) X(swr_init)
#define FFMPEG_UTIL(X)                                                                                                 \
    X(av_channel_layout_compare)                                                                                       \
    X(av_channel_layout_copy)                                                                                          \
    X(av_channel_layout_uninit)                                                                                        \
    X(av_frame_alloc)                                                                                                  \
    X(av_frame_free)                                                                                                   \
    X(av_frame_unref)                                                                                                  \
    X(av_free) X(av_log_default_callback) X(av_log_set_callback) X(av_malloc) X(av_rescale_q) X(av_strerror)

#define FFMPEG_FIELD(name) __typeof__(&(name)) name;
struct ffmpeg_library {
    FFMPEG_FORMAT(FFMPEG_FIELD) FFMPEG_CODEC(FFMPEG_FIELD) FFMPEG_RESAMPLE(FFMPEG_FIELD) FFMPEG_UTIL(FFMPEG_FIELD)
};

/* Their functions, under their names; only after ffmpeg_load. */
extern struct ffmpeg_library ffmpeg;

/* Returns 1, or 0 where the libraries of the version that linnet was built with are not there.  Any thread may call. */
int ffmpeg_load(void);

#endif
