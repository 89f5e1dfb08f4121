#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/vectors/normalize.txt with openai-whisper 20250625's normalizers, in lines of
"text TAB english TAB basic TAB without diacritics TAB split into letters"."""
import random

from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

CRAFTED = """It's $20 million, isn't it?|I won't pay twenty-one dollars and five cents|two thousand and ten
nineteen ninety nine|one oh one|the first of may|the twenty-third|1,234,567.89|$3.50 and €5|five point two percent
per cent|ten per cent of £100|minus five degrees|one hundred and twenty three thousand four hundred and fifty six
two and a half million|three and a half|and a half|Mr. Smith and Mrs. Jones went to St. James'|Dr. Who's here
he'd been gone, she's got it, they've done|[laughter] hello <unk> (aside) world|um, uh, hmm... mhm
colour favourite organisation theatre|naïve café œuvre Straße Łódź|1st 2nd 3rd 4 th 5s the 1960s
double seven triple zero nine|the ones and twos|seven hundred seventy-seventh|$1|1|1s|£0.07|$2 and 7 cents|$2 and ¢7
two dollars and seven cents|zero point five|point five|one point|oh oh seven|twenty twenty|thirty three hundred
ninety nine point nine nine|sixty sixth|one million million|hundred thousand|a hundred|five hundred hundred
zero hundred|0 million|1.5 million|1.2345 thousand|1.2.3.4 thousand|12 point 5|192 point 168 point 0 point 1
nine nine nine decillions|three quadrillionths|٣ four ٣.٥ million|ten % 5% %% a%|a$ $ $5 5$ .5 5. ...|3,4,5,6|a1b2c3
(unclosed [bracket|() (a)) ((b))|you're I'm we'll can't y'all ain't let's ma'am i'ma|'tis the o'clock ' s
positive negative minus plus word|plus 5 minus six|five dollars cents|dollars|percent|hundred percent|per hour
50 per cent|double|triple word|double twenty|and and five and|hundred and five and six|hundred and
three hundred and a|twelfth ninth nineth eighth|007 agent 0 00|1.0 2.50|$1.50 $0.50 $0.5 $0507|€ 5
two hundred three million four hundred five thousand six|10,000 and 5,000,000|twenty one o one|twenty o one
ten eleven twelve|one eleven|twenty eleven|hundred eleven|hundred thousand million|2 and a half
two  and   a  half  and a half|sand and a halfling|one and a half hundred thousand and a half|ΟΔΟΣ ΣΑΣ. İstanbul
你好，世界！今天 2024 年|Привет, МИР!|हिन्दी में|한국어 문장|😀 ok ♪""".replace("\n", "|").split("|")
WORDS = """o zero one two five nine ten eleven nineteen ones sixes first second fifth twelfth eighth twenty ninety thirties
fiftieth hundred thousand million trillion hundreds thousandth millions minus plus dollar dollars pound cents per cent
percent and double triple point $5 5 12.5 1.0 007 foo a half £3 ¢7 0.05 $0.07 0 1 100 2. mr st th s 50% ٣ 1st don't""".split()
LETTERS = "abst1205.,%$¢€£'-()[]<> éœß٣ 、。你мΣ½２"
random.seed(3)
LINES = CRAFTED + [" ".join(random.choice(WORDS) for _ in range(random.randint(2, 7))) for _ in range(160)]
LINES += ["".join(random.choice(LETTERS) for _ in range(random.randint(2, 16))) for _ in range(100)]
LINES += """I owe you £3 and fifty pence|nineteen euros and five cents, €0.50 or 50 cents|-$5, $-5, $1,000,000.00
the twenty-first of June, 2001st, 2 nd, three hundredth and first|Shouldn't've, y'all'd've, it's been, he'd've gone
Col. Sen. Gov. Prof. Rev. Esq. and the Lt.|grey colours analysed in the centre; jewellery, programme, manoeuvre
thirty-five point two five percent, ten percent of nothing|0.5 of 1.0 and 00.70|5,000.5 1.234,5 1,2,3,4|one one's ones
O'Neill said "oh oh seven" twice|ХЛЕБ И СОЛЬ|สวัสดีครับ|السَّلامُ عليكم|ไทย ก\u0e33|ᄒᆞᆫ글 각|क्\u200dष नमस्ते
Groß-Gerau, Þór, Ærø, đôi|\u0600123 \u06dd7""".replace("\n", "|").split("|")
ENGLISH, BASIC = EnglishTextNormalizer(), BasicTextNormalizer()
PLAIN, LETTERS = BasicTextNormalizer(remove_diacritics=True), BasicTextNormalizer(split_letters=True)
for line in LINES:
    print(line, ENGLISH(line), BASIC(line), PLAIN(line), LETTERS(line), sep="\t")
