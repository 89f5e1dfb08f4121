/* SPDX-License-Identifier: Apache-2.0
 * encode.h - writes recordings with FFmpeg's libraries, for tests: any container and codec that they have. */
#ifndef LINNET_TESTS_ENCODE_H
#define LINNET_TESTS_ENCODE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <string.h>

struct encode_kind {
    const char *container, *codec; /* names of FFmpeg's */
    int rate_hz, n_channels;
    int has_video;              /* a grey picture stands beside the sound, and before it */
    const char *option, *value; /* of the container, or NULL */
};

static AVStream *encode_stream(AVFormatContext *c, AVCodecContext *codec)
{
    AVStream *stream = avformat_new_stream(c, NULL);
    if ((c->oformat->flags & AVFMT_GLOBALHEADER) != 0)
        codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    codec->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    if (stream == NULL || avcodec_open2(codec, codec->codec, NULL) < 0 ||
        avcodec_parameters_from_context(stream->codecpar, codec) < 0)
        return NULL;
    stream->time_base = codec->time_base;
    return stream;
}

/* Writes all packets that come of a frame (NULL: of the end). */
static int encode_frame(AVFormatContext *c, AVCodecContext *codec, AVStream *stream, AVFrame *frame)
{
    AVPacket *packet = av_packet_alloc();
    int rc = avcodec_send_frame(codec, frame);
    while (rc >= 0 && (rc = avcodec_receive_packet(codec, packet)) >= 0) {
        packet->stream_index = stream->index;
        av_packet_rescale_ts(packet, codec->time_base, stream->time_base);
        rc = av_interleaved_write_frame(c, packet);
    }
    av_packet_free(&packet);
    return rc == AVERROR(EAGAIN) || rc == AVERROR_EOF ? 0 : rc;
}

static AVCodecContext *encode_sound_codec(const struct encode_kind *kind)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name(kind->codec);
    AVCodecContext *codec = encoder != NULL ? avcodec_alloc_context3(encoder) : NULL;
    if (codec == NULL)
        return NULL;
    codec->sample_rate = kind->rate_hz;
    codec->sample_fmt = encoder->sample_fmts[0];
    codec->time_base = (AVRational){1, kind->rate_hz};
    if (strstr(kind->codec, "amr") != NULL)
        codec->bit_rate = kind->rate_hz == 8000 ? 12200 : 23850;
    else
        codec->bit_rate = 64000 * kind->n_channels;
    av_channel_layout_default(&codec->ch_layout, kind->n_channels);
    return codec;
}

static void encode_put(AVFrame *f, int i, int c, int n_channels, float x)
{
    int is_planar = av_sample_fmt_is_planar(f->format), at = is_planar ? i : i * n_channels + c;
    uint8_t *plane = f->extended_data[is_planar ? c : 0];
    switch (av_get_packed_sample_fmt(f->format)) {
    case AV_SAMPLE_FMT_FLT:
        ((float *)(void *)plane)[at] = x;
        break;
    case AV_SAMPLE_FMT_DBL:
        ((double *)(void *)plane)[at] = (double)x;
        break;
    case AV_SAMPLE_FMT_S32:
        ((int32_t *)(void *)plane)[at] = (int32_t)(x * 2147483520.0f);
        break;
    case AV_SAMPLE_FMT_S16:
        ((int16_t *)(void *)plane)[at] = (int16_t)(x * 32767.0f);
        break;
    default:
        plane[at] = (uint8_t)(128.0f + x * 127.0f);
        break;
    }
}

/* All samples [n, n_channels], in frames of the size that the encoder takes. */
static int encode_sound(AVFormatContext *c, AVCodecContext *codec, AVStream *stream, const float *samples, int n)
{
    int size = codec->frame_size > 0 ? codec->frame_size : 1024, n_channels = codec->ch_layout.nb_channels, rc = 0;
    for (int at = 0; at < n && rc >= 0; at += size) {
        AVFrame *f = av_frame_alloc();
        f->nb_samples = n - at < size ? n - at : size;
        f->format = codec->sample_fmt;
        f->sample_rate = codec->sample_rate;
        f->pts = at;
        av_channel_layout_copy(&f->ch_layout, &codec->ch_layout);
        rc = av_frame_get_buffer(f, 0);
        for (int i = 0; i < f->nb_samples && rc >= 0; i++)
            for (int k = 0; k < n_channels; k++)
                encode_put(f, i, k, n_channels, samples[(at + i) * n_channels + k]);
        rc = rc >= 0 ? encode_frame(c, codec, stream, f) : rc;
        av_frame_free(&f);
    }
    return rc >= 0 ? encode_frame(c, codec, stream, NULL) : rc;
}

static AVCodecContext *encode_picture_codec(void)
{
    AVCodecContext *codec = avcodec_alloc_context3(avcodec_find_encoder(AV_CODEC_ID_MPEG4));
    if (codec == NULL)
        return NULL;
    codec->width = codec->height = 64;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->time_base = (AVRational){1, 25};
    return codec;
}

static int encode_pictures(AVFormatContext *c, AVCodecContext *codec, AVStream *stream, int n)
{
    int rc = 0;
    for (int i = 0; i < n && rc >= 0; i++) {
        AVFrame *f = av_frame_alloc();
        f->width = f->height = 64;
        f->format = codec->pix_fmt;
        f->pts = i;
        rc = av_frame_get_buffer(f, 0);
        for (int plane = 0; plane < 3 && rc >= 0; plane++)
            memset(f->data[plane], 128, (size_t)f->linesize[plane] * (plane == 0 ? 64 : 32));
        rc = rc >= 0 ? encode_frame(c, codec, stream, f) : rc;
        av_frame_free(&f);
    }
    return rc >= 0 ? encode_frame(c, codec, stream, NULL) : rc;
}

/* 1, or 0 where this FFmpeg has no such encoder or container. */
static int encode(const char *path, const struct encode_kind *kind, const float *samples, int n)
{
    AVFormatContext *c = NULL;
    AVCodecContext *sound = encode_sound_codec(kind), *picture = kind->has_video ? encode_picture_codec() : NULL;
    AVStream *of_sound = NULL, *of_picture = NULL;
    AVDictionary *options = NULL;
    int rc = sound != NULL ? avformat_alloc_output_context2(&c, NULL, kind->container, path) : -1;
    if (kind->option != NULL)
        av_dict_set(&options, kind->option, kind->value, 0);
    if (rc >= 0 && picture != NULL && (of_picture = encode_stream(c, picture)) == NULL)
        rc = -1;
    if (rc >= 0 && (of_sound = encode_stream(c, sound)) == NULL)
        rc = -1;
    if (rc >= 0 && (rc = avio_open(&c->pb, path, AVIO_FLAG_WRITE)) >= 0 &&
        (rc = avformat_write_header(c, &options)) >= 0) {
        if (picture != NULL)
            rc = encode_pictures(c, picture, of_picture, n * 25 / kind->rate_hz);
        rc = rc >= 0 ? encode_sound(c, sound, of_sound, samples, n) : rc;
        rc = av_write_trailer(c) < 0 ? -1 : rc;
    }
    if (c != NULL)
        avio_closep(&c->pb);
    avformat_free_context(c);
    avcodec_free_context(&sound);
    avcodec_free_context(&picture);
    av_dict_free(&options);
    return rc >= 0;
}

#endif
