# SPDX-License-Identifier: Apache-2.0
# Small random encoders of every kind and what WeNet computes with them: tests/vectors/encoder-*.safetensors.
#
#     PYTHONPATH=<wenet, commit 0154699> python tests/vectors/gen/encoders.py tests/vectors
#
# WeNet imports audio packages that nothing here needs; stand-ins take their place.
import json
import sys
import types

import torch


class Nothing(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return Nothing(name)


for name in ['torchaudio', 'torchaudio.compliance', 'torchaudio.compliance.kaldi', 'langid', 'librosa']:
    sys.modules.setdefault(name, Nothing(name))

from safetensors.torch import save_file
from wenet.models.transformer.cmvn import GlobalCMVN
from wenet.models.transformer.encoder import ConformerEncoder, TransformerEncoder

DIMS, MELS, FRAMES, CHUNK, LEFT = 8, 23, 121, 4, 2
COMMON = dict(output_size=DIMS, attention_heads=2, linear_units=12, num_blocks=2, input_layer='conv2d',
              pos_enc_layer_type='rel_pos', activation_type='swish', normalize_before=True, norm_eps=1e-5,
              query_bias=True, key_bias=True, value_bias=True, mlp_bias=True, static_chunk_size=0,
              use_dynamic_chunk=True)
CONFORMER = dict(selfattention_layer_type='rel_selfattn', macaron_style=True, use_cnn_module=True, cnn_module_kernel=5,
                 causal=True, cnn_module_norm='layer_norm', conv_norm_eps=1e-5, conv_inner_factor=2, conv_bias=True,
                 final_norm=True)
KINDS = {
    'conv2d6': ('conformer', dict(input_layer='conv2d6', cnn_module_norm='batch_norm', cnn_module_kernel=8,
                                  activation_type='gelu', conv_norm_eps=1e-3)),
    'conv2d8': ('conformer', dict(input_layer='conv2d8', pos_enc_layer_type='abs_pos', normalize_before=False,
                                  activation_type='relu', macaron_style=False, use_dynamic_chunk=False,
                                  static_chunk_size=4)),
    'linear': ('conformer', dict(input_layer='linear', pos_enc_layer_type='no_pos', selfattention_layer_type='selfattn',
                                 use_cnn_module=False, final_norm=False, norm_eps=1e-3)),
    'whole': ('conformer', dict(pos_enc_layer_type='no_pos', cnn_module_norm='batch_norm', causal=False,
                                cnn_module_kernel=7, conv_inner_factor=4, conv_bias=False, key_bias=False,
                                mlp_bias=False, use_dynamic_chunk=False)),
    'masked': ('conformer', dict(causal=False, value_bias=False, normalize_before=False)),
    'transformer': ('transformer', dict(pos_enc_layer_type='abs_pos', activation_type='gelu', query_bias=False)),
    'transformer-post': ('transformer', dict(pos_enc_layer_type='rel_pos', normalize_before=False,
                                             input_layer='conv2d6', activation_type='relu')),
}


def make(kind, changes):
    options = {**COMMON, **(CONFORMER if kind == 'conformer' else {}), **changes}
    mean, istd = torch.randn(MELS) + 2, torch.rand(MELS) + 0.5
    build = ConformerEncoder if kind == 'conformer' else TransformerEncoder
    encoder = build(MELS, global_cmvn=GlobalCMVN(mean, istd), **options).eval()
    for name, tensor in encoder.state_dict().items():  # norms and batch statistics that do something
        if 'running_var' in name:
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
        elif tensor.dim() == 1 and tensor.is_floating_point() and 'cmvn' not in name:
            tensor.add_(0.3 * torch.randn(tensor.shape))
    config = {'input_dim': MELS, 'encoder': {'kind': kind, 'final_norm': True, 'selfattention_layer_type': 'selfattn',
                                             **options}}
    return encoder, config, mean, istd


def main(folder):
    torch.manual_seed(1)
    for name, (kind, changes) in KINDS.items():
        encoder, config, mean, istd = make(kind, changes)
        x, n = 2 * torch.randn(1, FRAMES, MELS) + 2, torch.tensor([FRAMES])
        out = {'features': x[0], 'cmvn.mean': mean, 'cmvn.istd': istd}
        with torch.no_grad():
            out['full'] = encoder(x, n, -1, -1)[0][0]
            out['chunk'] = encoder(x, n, CHUNK, LEFT)[0][0]
            if name not in ('whole', 'masked'):
                out['streamed'] = encoder.forward_chunk_by_chunk(x, CHUNK, LEFT)[0][0]
        for key, tensor in encoder.state_dict().items():
            if not key.endswith('.pe') and 'cmvn' not in key and 'num_batches' not in key:
                out['encoder.' + key] = tensor
        out = {key: tensor.contiguous().clone() for key, tensor in out.items()}
        save_file(out, f'{folder}/encoder-{name}.safetensors', {'config': json.dumps(config)})


main(sys.argv[1])
