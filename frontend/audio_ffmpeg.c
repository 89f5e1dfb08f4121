/* SPDX-License-Identifier: Apache-2.0
 * audio_ffmpeg.c - a recording that FFmpeg's libraries read.
 *
 * The demuxer reads through callbacks of ours and may open nothing else: a file that names others (a playlist) is no
 * recording.  What an encoder put before the first sample and after the last (its delay) is left out by libavcodec, as
 * ffmpeg does it.  The first decoded frame tells rate and channels; what changes in the middle is converted to that.
 *
 * Containers tell times in units of their own and codecs need some packets before they give the right samples, so a
 * seek decodes: on from here, or again from the start.  Samples after it are those without it, bit by bit. */
#include "frontend/audio_ffmpeg.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/intreadwrite.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "frontend/cut_off.h"
#include "frontend/ffmpeg_library.h"
#include "frontend/ogg_pages.h"

enum { IO_SIZE = 65536, SKIP_FRAMES = 4096 };

/* What is missing at the end by less than this is not missing: times of containers are rounded, delays are trimmed. */
#define SLACK_S 0.25
#define COMPLAINT_S 1.0 /* a complaint that comes later than this before the end is about the end */

struct state {
    int fd, is_pipe;
    int64_t at, size; /* byte of a file that is read next; its bytes */
    AVFormatContext *container;
    AVCodecContext *codec;
    SwrContext *convert;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
    enum AVSampleFormat format; /* what `convert` takes */
    AVChannelLayout layout, first_layout;
    int rate_hz, first_rate_hz;
    float *ready; /* [ready_size] converted; not yet read: frames [ready_begin, ready_end) */
    size_t ready_begin, ready_end, ready_size;
    int64_t position; /* frames that were read */
    struct ogg_pages pages;
    int is_ogg, has_ended, is_drained;
    int n_failed, last_failed; /* packets that could not be decoded; whether the last one could not */
    int is_mpeg_cut, read_error;
    int64_t n_promised; /* frames that the container tells of; 0: it does not */
    struct cut_off cut_off;
};

/* ---- bytes ---- */

static int read_bytes(void *opaque, uint8_t *bytes, int n)
{
    struct state *s = opaque;
    ssize_t n_read;
    do
        n_read = s->is_pipe ? read(s->fd, bytes, (size_t)n) : pread(s->fd, bytes, (size_t)n, s->at);
    while (n_read < 0 && errno == EINTR);
    if (n_read > 0 && s->is_pipe)
        ogg_pages_feed(&s->pages, bytes, (size_t)n_read);
    s->at += n_read > 0 ? n_read : 0;
    return n_read > 0 ? (int)n_read : n_read == 0 ? AVERROR_EOF : AVERROR(errno);
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    struct state *s = opaque;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return s->size; /* asked for again and again where a file is damaged */
    offset += whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->size : 0;
    if (offset < 0)
        return AVERROR(EINVAL);
    return s->at = offset;
}

/* The demuxer asks for another file. */
static int refuse(AVFormatContext *container, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    (void)container, (void)io, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

static int open_container(struct state *s)
{
    uint8_t *buffer = ffmpeg.av_malloc(IO_SIZE);
    if (buffer == NULL)
        return AVERROR(ENOMEM);
    AVIOContext *io =
        ffmpeg.avio_alloc_context(buffer, IO_SIZE, 0, s, read_bytes, NULL, s->is_pipe ? NULL : seek_bytes);
    s->container = io != NULL ? ffmpeg.avformat_alloc_context() : NULL;
    if (s->container == NULL) {
        ffmpeg.av_free(io != NULL ? io->buffer : buffer);
        ffmpeg.avio_context_free(&io);
        return AVERROR(ENOMEM);
    }
    AVFormatContext *container = s->container;
    container->pb = io;
    container->flags |= AVFMT_FLAG_CUSTOM_IO;
    container->io_open = refuse;
    int rc = ffmpeg.avformat_open_input(&s->container, NULL, NULL, NULL);
    if (rc < 0) { /* which has freed the container, but not our io */
        ffmpeg.av_free(io->buffer);
        ffmpeg.avio_context_free(&io);
    }
    return rc;
}

static void close_container(struct state *s)
{
    AVIOContext *io = s->container != NULL ? s->container->pb : NULL;
    ffmpeg.avformat_close_input(&s->container);
    if (io != NULL)
        ffmpeg.av_free(io->buffer);
    ffmpeg.avio_context_free(&io);
    ffmpeg.avcodec_free_context(&s->codec);
    ffmpeg.swr_free(&s->convert);
    ffmpeg.av_channel_layout_uninit(&s->layout);
}

/* ---- opening ---- */

static int error_text(struct message *msg, int code, const char *what, int av_code)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    ffmpeg.av_strerror(av_code, text, sizeof text);
    return fail(msg, av_code == AVERROR(ENOMEM) ? LINNET_E_MEMORY : code, "%s: %s", what, text);
}

static int open_codec(struct state *s, const AVCodec *decoder)
{
    AVStream *stream = s->container->streams[s->stream];
    s->codec = ffmpeg.avcodec_alloc_context3(decoder);
    if (s->codec == NULL)
        return AVERROR(ENOMEM);
    int rc = ffmpeg.avcodec_parameters_to_context(s->codec, stream->codecpar);
    s->codec->pkt_timebase = stream->time_base;
    s->codec->thread_count = 1;
    return rc < 0 ? rc : ffmpeg.avcodec_open2(s->codec, decoder, NULL);
}

/* The container, its best sound, and that sound's decoder. */
static int open_decoding(struct state *s, struct message *msg)
{
    s->at = 0;
    s->pages = (struct ogg_pages){0};
    s->position = 0;
    s->cut_off = (struct cut_off){.position = &s->position};
    int rc = open_container(s);
    if (rc < 0 && s->cut_off.complaint != NULL)
        return fail(msg, LINNET_E_FORMAT, "%s", s->cut_off.complaint);
    if (rc == AVERROR_EOF)
        return fail(msg, LINNET_E_FORMAT, "it ends before its first samples");
    if (rc < 0)
        return error_text(msg, LINNET_E_FORMAT, "FFmpeg cannot read it", rc);
    const char *name = s->container->iformat->name;
    if ((rc = ffmpeg.avformat_find_stream_info(s->container, NULL)) < 0)
        return error_text(msg, LINNET_E_FORMAT, name, rc);
    const AVCodec *decoder = NULL;
    s->is_ogg = strcmp(name, "ogg") == 0;
    s->stream = ffmpeg.av_find_best_stream(s->container, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
    if (s->stream == AVERROR_DECODER_NOT_FOUND)
        return fail(msg, LINNET_E_FORMAT, "its sound is coded in a way that FFmpeg cannot decode here");
    if (s->stream < 0)
        return fail(msg, LINNET_E_FORMAT, "not audio: there is no audio stream in it");
    for (unsigned i = 0; i < s->container->nb_streams; i++)
        s->container->streams[i]->discard = (int)i == s->stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    if ((rc = open_codec(s, decoder)) < 0)
        return error_text(msg, LINNET_E_FORMAT, decoder->name, rc);
    s->has_ended = s->is_drained = s->n_failed = s->last_failed = s->is_mpeg_cut = s->read_error = 0;
    s->ready_begin = s->ready_end = 0;
    return LINNET_OK;
}

/* ---- packets to frames ---- */

/* Hands the decoder its next packet, or the end. */
static int send_packet(struct state *s)
{
    int rc;
    while ((rc = ffmpeg.av_read_frame(s->container, s->packet)) >= 0 && s->packet->stream_index != s->stream)
        ffmpeg.av_packet_unref(s->packet);
    if (rc < 0) {
        s->has_ended = 1;
        s->read_error = rc == AVERROR_EOF ? 0 : rc;
        return ffmpeg.avcodec_send_packet(s->codec, NULL);
    }
    s->is_mpeg_cut = (s->codec->codec_id == AV_CODEC_ID_MP3 || s->codec->codec_id == AV_CODEC_ID_MP2) &&
                     cut_off_mpeg(s->packet->data, s->packet->size);
    s->last_failed = (s->packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    rc = ffmpeg.avcodec_send_packet(s->codec, s->packet);
    ffmpeg.av_packet_unref(s->packet);
    return rc;
}

/* The decoder's next frame: 1, 0 at the end, or an error that ends the recording. */
static int next_frame(struct state *s)
{
    for (;;) {
        int rc = ffmpeg.avcodec_receive_frame(s->codec, s->frame);
        if (rc >= 0)
            return 1;
        if (rc == AVERROR_EOF)
            return 0;
        if (rc == AVERROR(EAGAIN) && !s->has_ended)
            rc = send_packet(s);
        else if (s->has_ended)
            return 0;
        if (rc == AVERROR(ENOMEM))
            return rc;
        s->n_failed += rc < 0;
        s->last_failed |= rc < 0;
    }
}

/* ---- frames to floats ---- */

static int is_as_before(const struct state *s, const AVFrame *f)
{
    return s->convert != NULL && s->format == f->format && s->rate_hz == f->sample_rate &&
           ffmpeg.av_channel_layout_compare(&s->layout, &f->ch_layout) == 0;
}

static int open_converter(struct state *s, const AVFrame *f)
{
    ffmpeg.swr_free(&s->convert);
    s->format = f->format;
    s->rate_hz = f->sample_rate;
    int rc = ffmpeg.av_channel_layout_copy(&s->layout, &f->ch_layout);
    if (rc >= 0)
        rc = ffmpeg.swr_alloc_set_opts2(&s->convert, &s->first_layout, AV_SAMPLE_FMT_FLT, s->first_rate_hz, &s->layout,
                                        s->format, s->rate_hz, 0, NULL);
    return rc < 0 ? rc : ffmpeg.swr_init(s->convert);
}

/* Converts the frame (NULL: what the converter holds back) into the empty `ready`. */
static int convert(struct state *s, const AVFrame *f)
{
    int n_in = f != NULL ? f->nb_samples : 0, n = ffmpeg.swr_get_out_samples(s->convert, n_in);
    size_t n_floats = n > 0 ? (size_t)n * (size_t)s->first_layout.nb_channels : 0;
    s->ready_begin = s->ready_end = 0;
    if (n_floats > s->ready_size) {
        mem_free(s->ready);
        s->ready_size = 0;
        s->ready = mem_array(n_floats, sizeof *s->ready);
        if (s->ready == NULL)
            return AVERROR(ENOMEM);
        s->ready_size = n_floats;
    }
    uint8_t *to = (uint8_t *)s->ready;
    int n_out =
        n > 0 ? ffmpeg.swr_convert(s->convert, &to, n, f != NULL ? (const uint8_t **)f->extended_data : NULL, n_in) : 0;
    s->ready_end = n_out > 0 ? (size_t)n_out : 0;
    return n_out < 0 ? n_out : 0;
}

/* Fills the empty `ready`: 1, 0 at the end, or an error. */
static int refill(struct state *s)
{
    int rc = next_frame(s);
    if (rc < 0)
        return rc;
    if (rc == 0 && (s->is_drained || s->convert == NULL))
        return 0;
    if (rc == 0) { /* resampling holds back samples */
        s->is_drained = 1;
        rc = convert(s, NULL);
        return rc < 0 ? rc : s->ready_end > 0;
    }
    if (!is_as_before(s, s->frame) && (s->frame->sample_rate <= 0 || (rc = open_converter(s, s->frame)) < 0))
        rc = AVERROR_INVALIDDATA;
    else
        rc = convert(s, s->frame);
    ffmpeg.av_frame_unref(s->frame);
    return rc < 0 ? rc : 1;
}

/* ---- the reader ---- */

/* Packets that could not be decoded: of broadcasts, which may begin and be disturbed anywhere, and of what is joined,
 * where tags and headers lie between, they are no damage. */
static int check_failures(struct audio_source *source, struct message *msg)
{
    const struct state *s = source->state;
    if (s->n_failed == 0 || s->is_ogg || s->codec->codec_id == AV_CODEC_ID_MP3)
        return LINNET_OK;
    if ((s->container->iformat->flags & AVFMT_TS_DISCONT) == 0)
        return fail(msg, LINNET_E_AUDIO, "%d packets before cannot be decoded", s->n_failed);
    fail(&source->note, 0, "%d packets cannot be decoded and are left out", s->n_failed);
    return LINNET_OK;
}

/* After the last frame: is that the end? */
static int check_end(struct audio_source *source, struct message *msg)
{
    const struct state *s = source->state;
    if (s->position + (int64_t)(SLACK_S * s->first_rate_hz) < s->n_promised) {
        source->n_promised = s->n_promised;
        return LINNET_OK;
    }
    if (s->read_error != 0)
        return error_text(msg, LINNET_E_AUDIO, "reading stops", s->read_error);
    if (s->is_ogg && s->is_pipe && !ogg_pages_is_whole(&s->pages))
        return fail(msg, LINNET_E_AUDIO, "its last page is not whole");
    if (s->is_ogg && s->is_pipe && !s->pages.has_end_mark)
        fail(&source->note, 0, OGG_PAGES_NO_END);
    if (s->cut_off.complaint != NULL && s->position - s->cut_off.at < (int64_t)(COMPLAINT_S * s->first_rate_hz))
        return fail(msg, LINNET_E_AUDIO, "%s", s->cut_off.complaint);
    if (s->last_failed || s->is_mpeg_cut || cut_off_transport(s->container->iformat->name, s->at))
        return fail(msg, LINNET_E_AUDIO, "its last packet is not whole");
    return check_failures(source, msg);
}

static long take_frames(struct audio_source *source, float *frames, size_t n, struct message *msg)
{
    struct state *s = source->state;
    size_t n_channels = (size_t)source->n_channels, n_got = 0;
    int rc = 1;
    while (n_got < n) {
        size_t n_ready = s->ready_end - s->ready_begin, n_now = n_ready < n - n_got ? n_ready : n - n_got;
        if (n_ready == 0 && (rc = refill(s)) <= 0)
            break;
        if (n_now > 0 && frames != NULL)
            memcpy(frames + n_got * n_channels, s->ready + s->ready_begin * n_channels,
                   n_now * n_channels * sizeof *frames);
        s->ready_begin += n_now;
        n_got += n_now;
    }
    s->position += (int64_t)n_got;
    if (n_got > 0 || n == 0)
        return (long)n_got;
    return rc < 0 ? error_text(msg, LINNET_E_AUDIO, "decoding", rc) : check_end(source, msg);
}

static long read_frames(struct audio_source *source, float *frames, size_t n, struct message *msg)
{
    cut_off_listen(&((struct state *)source->state)->cut_off);
    long n_read = take_frames(source, frames, n, msg);
    cut_off_listen(NULL);
    return n_read;
}

static int go_to(struct audio_source *source, int64_t frame, struct message *msg)
{
    struct state *s = source->state;
    int rc = LINNET_OK;
    if (frame < s->position) {
        close_container(s);
        rc = open_decoding(s, msg);
    }
    while (rc >= 0 && s->position < frame) {
        int64_t n_left = frame - s->position;
        long n = take_frames(source, NULL, n_left < SKIP_FRAMES ? (size_t)n_left : SKIP_FRAMES, msg);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return fail(msg, LINNET_E_ARGUMENT, "it ends before");
    }
    return rc;
}

static int seek(struct audio_source *source, int64_t frame, struct message *msg)
{
    cut_off_listen(&((struct state *)source->state)->cut_off);
    int rc = go_to(source, frame, msg);
    cut_off_listen(NULL);
    return rc;
}

static void close_state(struct audio_source *source)
{
    struct state *s = source->state;
    close_container(s);
    ffmpeg.av_channel_layout_uninit(&s->first_layout);
    ffmpeg.av_packet_free(&s->packet);
    ffmpeg.av_frame_free(&s->frame);
    mem_free(s->ready);
    if (s->fd >= 0)
        close(s->fd);
    mem_free(s);
}

static const struct audio_reader reader = {read_frames, seek, close_state};

/* ---- how long it is ---- */

/* Samples of a packet, less those that an encoder's delay put there. */
static int64_t packet_frames(const struct state *s, const AVPacket *p)
{
    size_t n_side = 0;
    const uint8_t *side = ffmpeg.av_packet_get_side_data(p, AV_PKT_DATA_SKIP_SAMPLES, &n_side);
    int64_t n = ffmpeg.av_rescale_q(p->duration, s->codec->pkt_timebase, (AVRational){1, s->first_rate_hz});
    if (p->duration <= 0)
        n = ffmpeg.av_get_audio_frame_duration(s->codec, p->size);
    if (side != NULL && n_side >= 8)
        n -= (int64_t)AV_RL32(side) + AV_RL32(side + 4);
    return n;
}

/* The frames of all packets, where no header tells; then all is as after opening.  Links of Ogg begin their times anew,
 * which takes decoding to see through. */
static int count_frames(struct audio_source *source, struct message *msg)
{
    struct state *s = source->state;
    int64_t n = 0;
    while (s->is_ogg && take_frames(source, NULL, SKIP_FRAMES, NULL) > 0)
        n = s->position;
    close_container(s);
    int rc = open_decoding(s, msg);
    source->is_estimate = !s->is_ogg;
    while (rc >= 0 && !s->is_ogg && ffmpeg.av_read_frame(s->container, s->packet) >= 0) {
        if (s->packet->stream_index == s->stream)
            n += packet_frames(s, s->packet);
        ffmpeg.av_packet_unref(s->packet);
    }
    if (rc >= 0) {
        close_container(s);
        rc = open_decoding(s, msg);
    }
    source->n_frames = n > 0 ? n : -1;
    return rc;
}

/* Where the sound is all that a container holds, the container's length is that of the sound. */
static int find_length(struct audio_source *source, struct message *msg)
{
    struct state *s = source->state;
    const AVFormatContext *c = s->container;
    const AVStream *stream = c->streams[s->stream];
    const char *name = c->iformat->name;
    int is_told = c->duration_estimation_method == AVFMT_DURATION_FROM_STREAM && !s->is_ogg;
    AVRational frames = {1, s->first_rate_hz};
    int64_t n = stream->duration > 0 ? ffmpeg.av_rescale_q(stream->duration, stream->time_base, frames)
                : c->duration > 0    ? ffmpeg.av_rescale_q(c->duration, AV_TIME_BASE_Q, frames)
                                     : 0;
    source->n_frames = -1;
    source->is_estimate = 1;
    if (is_told && (c->nb_streams == 1 || strncmp(name, "mov", 3) == 0))
        s->n_promised = n;
    if (is_told && n > 0 && strcmp(name, "mp3") != 0) /* several may be joined */
        source->n_frames = n;
    return s->is_pipe || source->n_frames > 0 ? LINNET_OK : count_frames(source, msg);
}

/* ---- opening ---- */

/* Decodes until there are samples: what they are like is what the source gives. */
static int take_first_frame(struct audio_source *source, struct message *msg)
{
    struct state *s = source->state;
    int rc = next_frame(s);
    if (rc < 0)
        return error_text(msg, LINNET_E_AUDIO, "decoding", rc);
    if (rc == 0)
        return fail(msg, LINNET_E_AUDIO, "holds no samples");
    source->rate_hz = s->first_rate_hz = s->frame->sample_rate;
    source->n_channels = s->frame->ch_layout.nb_channels;
    rc = ffmpeg.av_channel_layout_copy(&s->first_layout, &s->frame->ch_layout);
    if (rc >= 0)
        rc = open_converter(s, s->frame);
    if (rc >= 0)
        rc = convert(s, s->frame);
    ffmpeg.av_frame_unref(s->frame);
    return rc < 0 ? error_text(msg, LINNET_E_AUDIO, "its samples", rc) : LINNET_OK;
}

int audio_ffmpeg_is_there(void) { return ffmpeg_load(); }

int audio_ffmpeg_open(struct audio_source *out, int fd, struct message *msg)
{
    struct state *s = ffmpeg_load() ? mem_array(1, sizeof *s) : NULL;
    if (s == NULL)
        return ffmpeg_load() ? fail_memory(msg) : fail(msg, LINNET_E_UNSUPPORTED, "FFmpeg's libraries are not there");
    s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    s->size = lseek(fd, 0, SEEK_END);
    s->is_pipe = s->size < 0;
    s->packet = ffmpeg.av_packet_alloc();
    s->frame = ffmpeg.av_frame_alloc();
    struct audio_source source = {.reader = &reader, .state = s, .is_pipe = s->is_pipe};
    int rc = s->fd < 0 ? fail(msg, LINNET_E_IO, "%s", strerror(errno)) : LINNET_OK;
    cut_off_listen(&s->cut_off);
    if (rc >= 0)
        rc = s->packet != NULL && s->frame != NULL ? open_decoding(s, msg) : fail_memory(msg);
    if (rc >= 0 && (rc = take_first_frame(&source, msg)) >= 0)
        rc = find_length(&source, msg);
    cut_off_listen(NULL);
    if (rc < 0) {
        close_state(&source);
        return rc;
    }
    source.is_float = strncmp(ffmpeg.avcodec_get_name(s->codec->codec_id), "pcm_f", 5) == 0;
    *out = source;
    return LINNET_OK;
}
