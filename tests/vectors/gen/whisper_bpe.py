#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/vectors/whisper_bpe.txt with openai-whisper 20250625's multilingual tokenizer: a line a text,
"ids TAB text" with \\n, \\t and \\\\ escaped; then "words LANGUAGE TAB ids TAB ends"."""
import random

from whisper.tokenizer import get_tokenizer

TEXTS = [
    "Hello world", " I'm sure they'll say we've done what he'd've liked; it's y'all's", "don't DON'T Can'T",
    "Die Straße führt über München; schöne Grüße!", "你好，世界。今天天气很好", "日本語の文章です。ひらがなカタカナ漢字",
    "مرحبا بالعالم كيف حالك", "😀👍🏽👨‍👩‍👧‍👦 🇩🇪", "12345 1,234.56 3.14159 2nd ١٢٣ ①②", "  leading   runs \t\tof \n\n space  \n",
    "Привет, как дела?", "한국어 문장", "x=1;y=[2,3]{a:b} <<tag>> (((", "ไทยภาษา", "a\u00a0b\u3000c\u2003d\u200be",
    "é e\u0301 \u0301", "♪♪ la la ♪♪♪ ♫", "\U0001d7d8\U0001d400 ²³½ Ⅷ", "_under_score__", "...!?!?---",
    "日本2024年5月3日", "GPT-4o's 3x faster than v2.0's", "\x1c\x1d \x85 z", "a" * 31, "\\ backslash", "",
]
random.seed(7)
LETTERS = "".join(TEXTS)
TEXTS += ["".join(random.choice(LETTERS) for _ in range(random.randint(1, 24))) for _ in range(60)]
SPACES = [" ", "\n", "\t", " '", "'s", "a", "B", "é", "1", "٣", "你", "。", "!", "😀", "  ", "\u3000", "'ll"]
TEXTS += ["".join(random.choice(SPACES) for _ in range(random.randint(1, 16))) for _ in range(40)]
T = get_tokenizer(True)
for text in TEXTS:
    print(" ".join(map(str, T.encode(text))), text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"), sep="\t")
for i in range(60):
    language = ["en", "zh", "ja"][i % 3]
    t = get_tokenizer(True, language=language)
    ids = T.encode(TEXTS[i]) if i < 26 else [
        random.choice([random.randrange(256), random.randrange(50000), T.timestamp_begin + random.randrange(1501), T.eot])
        for _ in range(random.randint(1, 16))]
    if not ids:
        continue
    end, ends = 0, []
    try:
        words = t.split_to_word_tokens(ids)[1]
    except IndexError:  # it looks past the end of some broken texts
        continue
    for word in words:
        end += len(word)
        ends.append(end)
    print(f"words {language}", " ".join(map(str, ids)), " ".join(map(str, ends)), sep="\t")
print("non_speech", " ".join(map(str, T.non_speech_tokens)), sep="\t")
