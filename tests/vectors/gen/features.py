# SPDX-License-Identifier: Apache-2.0
"""Makes the feature vectors that tests/unit/test_features.c reads (text, C99 hexadecimal floats).

    python tests/vectors/gen/features.py tests/vectors

Made with openai-whisper 20250625 and kaldi-native-fbank 1.23.0.  mel_filters.txt holds the weights that are not zero of
openai-whisper's mel_filters.npz: n_mels, row, first bin, number of weights, weights.  The others are of the test signal
(see signal() here and in the test).  kaldi_fft.txt holds lengths, each with the squared magnitudes of the signal's
start, which is not padded.  log_mel.txt and fbank.txt hold [frames, bins] and the values: log10 energies before the
clamp, and natural log energies."""
import os
import sys

import kaldi_native_fbank as knf
import numpy as np
import torch
import whisper
from whisper.audio import mel_filters


def signal(n):
    """Noise from a linear congruential generator, louder and louder: exact in single precision."""
    x, state = np.zeros(n, np.float32), 1
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        x[i] = np.float32((state >> 17) - 16384) / np.float32(32768) * np.float32(i // 160 + 1) / np.float32(64)
    return x


def write(path, rows):
    with open(path, "w") as f:
        print(*rows.shape, file=f)
        for row in rows:
            print(*(float(v).hex() for v in row), file=f)


def rfft_power(n):
    """Squared magnitudes in single precision of the first n samples."""
    z = np.array(knf.Rfft(n).compute(signal(n).tolist()), np.float32)  # bins 0 and n / 2, then pairs
    ends, re, im = z[:2] * z[:2], z[2::2], z[3::2]
    return np.concatenate([ends[:1], re * re + im * im, ends[1:]])


def main(folder):
    with open(os.path.join(folder, "mel_filters.txt"), "w") as f:
        for n_mels in 80, 128:
            for i, row in enumerate(mel_filters("cpu", n_mels).numpy()):
                at = np.flatnonzero(row)
                assert (np.diff(at) == 1).all()
                print(n_mels, i, at[0], len(at), *(float(v).hex() for v in row[at]), file=f)

    x = signal(2400)
    window = torch.hann_window(400)
    power = torch.stft(torch.from_numpy(x), 400, 160, window=window, return_complex=True)[..., :-1].abs() ** 2
    mel = mel_filters("cpu", 80) @ power
    write(os.path.join(folder, "log_mel.txt"), torch.clamp(mel, min=1e-10).log10().T.numpy())

    with open(os.path.join(folder, "kaldi_fft.txt"), "w") as f:
        for n in 2, 4, 8, 32, 64, 256, 512:
            print(n, *(float(v).hex() for v in rfft_power(n)), file=f)

    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(16000, (x * 32768).tolist())
    write(os.path.join(folder, "fbank.txt"), np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)]))


if __name__ == "__main__":
    main(sys.argv[1])
