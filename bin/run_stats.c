/* SPDX-License-Identifier: Apache-2.0
 * run_stats.c - times of utterances to JSON, and sums of them. */
#include "bin/run_stats.h"

#include <jansson.h>
#include <sys/resource.h>

#include "base/json_writer.h"
#include "score/latency_record.h"

static double peak_memory_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

int run_stats_line(struct buffer *out, const char *id, const struct linnet_stats *took, double wall_s,
                   const struct latency *latency)
{
    int rc;
    if ((rc = buffer_puts(out, "{\"utt\": ")) < 0 || (rc = json_write_text(out, id)) < 0 ||
        (rc = buffer_printf(out,
                            ", \"audio_s\": %.6f, \"wall_s\": %.6f, \"features_s\": %.6f, \"encoder_s\": %.6f, "
                            "\"decoder_s\": %.6f, \"tokens\": %llu, \"fallbacks\": %llu, \"peak_memory_mb\": %.1f",
                            took->audio_s, wall_s, took->features_s, took->encoder_s, took->decoder_s,
                            (unsigned long long)took->n_tokens, (unsigned long long)took->n_fallbacks,
                            peak_memory_mb())) < 0)
        return rc;
    if (latency->n_recordings > 0 &&
        ((rc = buffer_puts(out, ", \"latency\": ")) < 0 || (rc = latency_record_write(latency, out)) < 0))
        return rc;
    return buffer_puts(out, "}");
}

static double number(const json_t *line, const char *name)
{
    double value = json_number_value(json_object_get(line, name));
    return value > 0 && value < 1e12 ? value : 0;
}

int run_stats_add(struct run_stats *s, const char *line, struct message *msg)
{
    json_t *object = json_loads(line, 0, NULL);
    int rc = LINNET_OK;
    if (json_is_object(object) && (rc = latency_record_read(&s->latency, json_object_get(object, "latency"))) >= 0) {
        double peak_mb = number(object, "peak_memory_mb");
        s->n++;
        s->wall_s += number(object, "wall_s");
        s->peak_memory_mb = peak_mb > s->peak_memory_mb ? peak_mb : s->peak_memory_mb;
        s->sum.audio_s += number(object, "audio_s");
        s->sum.features_s += number(object, "features_s");
        s->sum.encoder_s += number(object, "encoder_s");
        s->sum.decoder_s += number(object, "decoder_s");
        s->sum.n_tokens += (uint64_t)number(object, "tokens");
        s->sum.n_fallbacks += (uint64_t)number(object, "fallbacks");
    }
    json_decref(object);
    return rc < 0 ? fail_memory(msg) : LINNET_OK;
}

int run_stats_report(const struct run_stats *s, struct buffer *out)
{
    const struct linnet_stats *sum = &s->sum;
    return buffer_printf(out,
                         " \"audio_s\": %.3f, \"wall_s\": %.3f, \"real_time_factor\": %.4f, \"peak_memory_mb\": %.1f,\n"
                         " \"compute_s\": %.3f, \"features_s\": %.3f, \"encoder_s\": %.3f, \"decoder_s\": %.3f,\n"
                         " \"tokens\": %llu, \"fallbacks\": %llu",
                         sum->audio_s, s->wall_s, sum->audio_s > 0 ? s->wall_s / sum->audio_s : 0, s->peak_memory_mb,
                         sum->features_s + sum->encoder_s + sum->decoder_s, sum->features_s, sum->encoder_s,
                         sum->decoder_s, (unsigned long long)sum->n_tokens, (unsigned long long)sum->n_fallbacks);
}

int run_stats_report_latency(struct run_stats *s, struct buffer *out)
{
    int rc = s->latency.n_recordings > 0 ? buffer_puts(out, ",\n \"latency\": ") : LINNET_OK;
    return rc < 0 || s->latency.n_recordings == 0 ? rc : latency_report(&s->latency, out);
}

void run_stats_close(struct run_stats *s)
{
    latency_close(&s->latency);
    *s = (struct run_stats){0};
}
