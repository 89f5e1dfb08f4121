# SPDX-License-Identifier: Apache-2.0
# make_ggml.py MODEL FILE: the tiny Whisper model of make_inputs as a file of whisper.cpp, in single precision.
import json
import struct
import sys

NAMES = (("model.", ""), ("layers.", "blocks."), ("embed_tokens.weight", "token_embedding.weight"),
         ("embed_positions.weight", "positional_embedding"), ("encoder_attn_layer_norm", "cross_attn_ln"),
         ("self_attn_layer_norm", "attn_ln"), ("final_layer_norm", "mlp_ln"), ("self_attn.", "attn."),
         ("encoder_attn.", "cross_attn."), ("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"),
         ("out_proj", "out"), ("fc1", "mlp.0"), ("fc2", "mlp.2"), ("encoder.layer_norm", "encoder.ln_post"),
         ("decoder.layer_norm", "decoder.ln"))


# GPT-2's alphabet, in which vocab.json has bytes
PLAIN = [*range(33, 127), *range(161, 173), *range(174, 256)]
OTHERS = [b for b in range(256) if b not in PLAIN]
BYTE_OF = {chr(b): b for b in PLAIN} | {chr(256 + i): b for i, b in enumerate(OTHERS)}


def main(model, path):
    config = json.load(open(f"{model}/config.json"))
    vocabulary = json.load(open(f"{model}/vocab.json"))
    data = open(f"{model}/model.safetensors", "rb").read()
    n_header = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n_header])
    data = data[8 + n_header:]
    with open(path, "wb") as out:
        out.write(struct.pack("<12i", 0x67676d6c, config["vocab_size"], config["max_source_positions"],
                              config["d_model"], config["encoder_attention_heads"], config["encoder_layers"],
                              config["max_target_positions"], config["d_model"], config["decoder_attention_heads"],
                              config["decoder_layers"], config["num_mel_bins"], 0))
        out.write(struct.pack("<2i", 0, 0))  # no mel filters
        out.write(struct.pack("<i", len(vocabulary)))
        for text in sorted(vocabulary, key=vocabulary.get):
            piece = bytes(BYTE_OF[c] for c in text)
            out.write(struct.pack("<i", len(piece)) + piece)
        for name, about in header.items():
            if name == "__metadata__":
                continue
            for old, new in NAMES:
                name = name.replace(old, new)
            shape, (begin, end) = about["shape"], about["data_offsets"]
            out.write(struct.pack("<3i", len(shape), len(name), 0) + struct.pack(f"<{len(shape)}i", *shape[::-1]))
            out.write(name.encode() + data[begin:end])


main(*sys.argv[1:])
