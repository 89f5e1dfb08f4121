/* SPDX-License-Identifier: Apache-2.0
 * silero.c - Silero VAD's ONNX file for 16 kHz (silero_vad_16k_op15.onnx) to silero_vad_16k.safetensors, with the names
 * of the package's own file of that kind.  That file is not used: the package 6.2 still has in it the weights of an
 * older version, other than those of its ONNX and TorchScript files. */
#include "base/file.h"
#include "convert/convert.h"
#include "convert/onnx_file.h"
#include "convert/plan.h"

static const struct {
    const char *name, *source;
    int n_dims;
    int64_t shape[3];
} tensors[] = {{"stft_conv.weight", "model.stft.forward_basis_buffer", 3, {258, 1, 256}},
               {"conv1.weight", "model.encoder.0.reparam_conv.weight", 3, {128, 129, 3}},
               {"conv1.bias", "model.encoder.0.reparam_conv.bias", 1, {128}},
               {"conv2.weight", "model.encoder.1.reparam_conv.weight", 3, {64, 128, 3}},
               {"conv2.bias", "model.encoder.1.reparam_conv.bias", 1, {64}},
               {"conv3.weight", "model.encoder.2.reparam_conv.weight", 3, {64, 64, 3}},
               {"conv3.bias", "model.encoder.2.reparam_conv.bias", 1, {64}},
               {"conv4.weight", "model.encoder.3.reparam_conv.weight", 3, {128, 64, 3}},
               {"conv4.bias", "model.encoder.3.reparam_conv.bias", 1, {128}},
               {"lstm_cell.weight_ih", "model.decoder.rnn.weight_ih", 2, {512, 128}},
               {"lstm_cell.weight_hh", "model.decoder.rnn.weight_hh", 2, {512, 128}},
               {"lstm_cell.bias_ih", "model.decoder.rnn.bias_ih", 1, {512}},
               {"lstm_cell.bias_hh", "model.decoder.rnn.bias_hh", 1, {512}},
               {"final_conv.weight", "model.decoder.decoder.2.weight", 3, {1, 128, 1}},
               {"final_conv.bias", "model.decoder.decoder.2.bias", 1, {1}}};
enum { N_TENSORS = sizeof tensors / sizeof tensors[0] };

static int recognizes(const char *source) { return file_has_suffix(source, ".onnx"); }

static int convert_file(const char *source, const char *dir, const struct convert_options *options, struct message *msg)
{
    struct checkpoint *c = NULL;
    struct plan plan = {0};
    char path[FILE_MAX_PATH];
    int rc = onnx_file_open(&c, source, msg);
    plan.checkpoint = c;
    for (int i = 0; i < N_TENSORS && rc >= 0; i++)
        rc = plan_add(&plan, tensors[i].name, tensors[i].source, tensors[i].n_dims, tensors[i].shape, msg);
    if (rc >= 0 && (rc = file_in(path, dir, "silero_vad_16k.safetensors", msg)) >= 0)
        rc = plan_write(&plan, path, options->matrix_type, msg);
    plan_close(&plan);
    checkpoint_close(c);
    return rc;
}

const struct convert_kind convert_silero = {"Silero VAD", 0, recognizes, convert_file};
