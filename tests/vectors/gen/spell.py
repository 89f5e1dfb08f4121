# SPDX-License-Identifier: Apache-2.0
"""Writes spell_pieces.tsv and spell_expected.tsv: how sentencepiece 0.2 spells sentences with a unigram model.

    spell.py bpe.model spell_units.txt SENTENCES OUT_DIR      (SENTENCES: one a line)
"""
import sys

import sentencepiece

model, units_path, sentences, out = sys.argv[1:]
sp = sentencepiece.SentencePieceProcessor(model_file=model)
units = dict(line.rstrip("\n").rsplit(" ", 1) for line in open(units_path, encoding="utf-8"))
with open(out + "/spell_pieces.tsv", "w", encoding="utf-8") as f:
    for i in range(sp.vocab_size()):
        f.write(f"{sp.id_to_piece(i)}\t{sp.get_score(i)}\n")
with open(out + "/spell_expected.tsv", "w", encoding="utf-8") as f:
    for text in sorted(set(open(sentences, encoding="utf-8").read().splitlines()))[::6]:
        f.write(text + "\t" + " ".join(units[p] for p in sp.encode_as_pieces(text)) + "\n")
