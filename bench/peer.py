# SPDX-License-Identifier: Apache-2.0
"""peer.py - a peer of linnet as a program, for compare.py: one process that loads a model and decodes recordings.

    peer.py PEER --version
    peer.py PEER --model MODEL [options] [FILE...]

Without FILEs their paths are the lines of standard input, so that the process can wait between them.  For each it
prints a line {"text": ..., "seconds": ...}, where the seconds leave out the model's loading, and before the first,
once the model is there, an empty one.
"""
import argparse
import json
import os
import sys
import time


def samples(path):
    """The recording at 16 kHz.  Without PyAV the peer reads it itself, by starting ffmpeg."""
    try:
        from faster_whisper.audio import decode_audio
    except ImportError:
        return path
    return decode_audio(path)


class FasterWhisper:
    def __init__(self, options, compute_type):
        from faster_whisper import WhisperModel

        self.model = WhisperModel(options.model, device="cpu", compute_type=compute_type, cpu_threads=options.threads)
        self.settings = {"language": options.language, "beam_size": options.beam, "temperature": 0.0}

    def decode(self, path):
        segments, _ = self.model.transcribe(path, **self.settings)
        return " ".join(segment.text.strip() for segment in segments)

    @staticmethod
    def version():
        import ctranslate2
        import faster_whisper

        return f"{faster_whisper.__version__} (ctranslate2 {ctranslate2.__version__})"


class OpenaiWhisper:
    """MODEL: a checkpoint (.pt), or a Hugging Face directory."""

    def __init__(self, options):
        import torch
        import whisper

        torch.set_num_threads(options.threads)
        is_directory = os.path.isdir(options.model)
        self.model = self.from_hugging_face(options.model) if is_directory else whisper.load_model(options.model, "cpu")
        self.settings = {"language": options.language, "temperature": 0.0, "fp16": False, "verbose": None}
        if options.beam > 1:
            self.settings["beam_size"] = options.beam

    # Of a Hugging Face name: what the original calls it.
    NAMES = (
        ("model.", ""), ("embed_tokens", "token_embedding"), ("encoder.embed_positions.weight",
        "encoder.positional_embedding"), ("decoder.embed_positions.weight", "decoder.positional_embedding"),
        (".layers.", ".blocks."), ("self_attn_layer_norm", "attn_ln"), ("encoder_attn_layer_norm", "cross_attn_ln"),
        ("final_layer_norm", "mlp_ln"), ("encoder.layer_norm", "encoder.ln_post"), ("decoder.layer_norm", "decoder.ln"),
        ("self_attn", "attn"), ("encoder_attn", "cross_attn"), ("q_proj", "query"), ("k_proj", "key"),
        ("v_proj", "value"), ("out_proj", "out"), ("fc1", "mlp.0"), ("fc2", "mlp.2"),
    )

    @classmethod
    def from_hugging_face(cls, directory):
        import whisper
        from safetensors.torch import load_file

        with open(os.path.join(directory, "config.json"), encoding="utf-8") as f:
            c = json.load(f)
        weights = {}
        for name, tensor in load_file(os.path.join(directory, "model.safetensors")).items():
            for old, new in cls.NAMES:
                name = name.replace(old, new)
            weights[name] = tensor.float()
        model = whisper.model.Whisper(whisper.model.ModelDimensions(
            n_mels=c["num_mel_bins"], n_audio_ctx=c["max_source_positions"], n_audio_state=c["d_model"],
            n_audio_head=c["encoder_attention_heads"], n_audio_layer=c["encoder_layers"], n_vocab=c["vocab_size"],
            n_text_ctx=c["max_target_positions"], n_text_state=c["d_model"],
            n_text_head=c["decoder_attention_heads"], n_text_layer=c["decoder_layers"]))
        weights.pop("proj_out.weight", None)  # the embedding again
        model.load_state_dict(weights)
        return model.eval()

    def decode(self, path):
        return self.model.transcribe(samples(path), **self.settings)["text"].strip()

    @staticmethod
    def version():
        import torch
        import whisper

        return f"{whisper.__version__} (torch {torch.__version__})"


class Wenet:
    """MODEL: a training directory.  WeNet has a beam of its own in transcribe(); decode() takes one."""

    def __init__(self, options):
        import torch
        import wenet

        torch.set_num_threads(options.threads)
        os.chdir(options.model)  # where the names of files in train.yaml lead
        self.torch, self.model, self.beam = torch, wenet.load_model(".").eval(), options.beam

    def decode(self, path):
        with self.torch.no_grad():
            features = self.model.compute_feature(path)[None]
            best = self.model.decode(
                ["attention_rescoring"], features, self.torch.tensor([features.size(1)]), self.beam,
                ctc_weight=0.5, reverse_weight=0.3)["attention_rescoring"][0]
        return self.model.tokenizer.detokenize(best.tokens)[0]

    @staticmethod
    def version():
        import torch
        import wenet  # noqa: F401 - is it there?

        return f"in PyTorch {torch.__version__}"


PEERS = {
    "faster-int8": (FasterWhisper, {"compute_type": "int8"}),
    "faster-fp32": (FasterWhisper, {"compute_type": "float32"}),
    "openai": (OpenaiWhisper, {}),
    "wenet": (Wenet, {}),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--language", default="en")
    parser.add_argument("--model")
    parser.add_argument("files", nargs="*")
    options = parser.parse_intermixed_args()
    peer, settings = PEERS[options.peer]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    if options.version:
        print(peer.version(), file=answers)
        return
    options.files = [os.path.abspath(path) for path in options.files]
    peer = peer(options, **settings)
    print(file=answers, flush=True)
    for path in options.files or map(str.strip, sys.stdin):
        start = time.perf_counter()
        text = peer.decode(path)
        print(json.dumps({"text": text, "seconds": time.perf_counter() - start}), file=answers, flush=True)


if __name__ == "__main__":
    main()
