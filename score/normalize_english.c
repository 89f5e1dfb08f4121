/* SPDX-License-Identifier: Apache-2.0
 * normalize_english.c - the normalizers of OpenAI's Whisper: the steps around numbers and spelling.
 *
 * The original writes them as regular expressions.  Each is a small pass here; the comment over a pass shows the
 * expression, whose matches must not overlap and are taken from the left. */
#include "score/normalize_rules.h"

#include <string.h>

int normalize_is_ascii_digit(uint32_t code) { return code >= '0' && code <= '9'; }

int normalize_at_boundary(const struct codes *text, size_t i)
{
    int before = i > 0 && unicode_is_word(text->at[i - 1]);
    int after = i < text->n && unicode_is_word(text->at[i]);
    return before != after;
}

/* Removes codes [from, to). */
static void cut(struct codes *text, size_t from, size_t to)
{
    memmove(text->at + from, text->at + to, (text->n - to) * sizeof *text->at);
    text->n -= to - from;
}

/* [<\[][^>\]]*[>\]] -> nothing */
static void remove_brackets(struct codes *text)
{
    for (size_t i = 0; i < text->n; i++) {
        if (text->at[i] != '<' && text->at[i] != '[')
            continue;
        size_t end = i + 1;
        while (end < text->n && text->at[end] != '>' && text->at[end] != ']')
            end++;
        if (end == text->n)
            return;
        cut(text, i, end + 1);
        i--;
    }
}

/* \(([^)]+?)\) -> nothing */
static void remove_parentheses(struct codes *text)
{
    for (size_t i = 0; i < text->n; i++) {
        size_t end = i + 1;
        if (text->at[i] != '(')
            continue;
        while (end < text->n && text->at[end] != ')')
            end++;
        if (end == text->n)
            return;
        if (end > i + 1) {
            cut(text, i, end + 1);
            i--;
        }
    }
}

/* \s+ -> one space */
void normalize_squeeze(struct codes *text)
{
    size_t n = 0;
    int was_blank = 0;
    for (size_t i = 0; i < text->n; i++) {
        int blank = unicode_is_blank(text->at[i]);
        if (!blank || !was_blank)
            text->at[n++] = blank ? ' ' : text->at[i];
        was_blank = blank;
    }
    text->n = n;
}

/* Letters that do not decompose, and what they are without their strokes. */
static const char *plain_letter(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *plain;
    } table[] = {{0x153, "oe"}, {0x152, "OE"},  {0xF8, "o"},  {0xD8, "O"},  {0xE6, "ae"}, {0xC6, "AE"},
                 {0xDF, "ss"},  {0x1E9E, "SS"}, {0x111, "d"}, {0x110, "D"}, {0xF0, "d"},  {0xD0, "D"},
                 {0xFE, "th"},  {0xDE, "th"},   {0x142, "l"}, {0x141, "L"}};
    for (size_t i = 0; code >= 0xC0 && i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].plain;
    return NULL;
}

static int is_symbol(uint32_t code)
{
    enum unicode_class k = unicode_class_of(code);
    return k == UNICODE_MARK || k == UNICODE_NONSPACING_MARK || k == UNICODE_PUNCTUATION || k == UNICODE_SYMBOL;
}

/* Marks dropped, other symbols to spaces, but for those kept [n_kept]. */
static void remove_symbols_and_diacritics(struct codes *text, const uint32_t *kept, size_t n_kept)
{
    struct codes built = {0};
    codes_decompose(text);
    for (size_t i = 0; i < text->n; i++) {
        uint32_t code = text->at[i];
        const char *plain = plain_letter(code);
        int keep = 0;
        for (size_t k = 0; k < n_kept; k++)
            keep |= kept[k] == code;
        if (plain != NULL)
            codes_add_ascii(&built, plain);
        else if (keep || unicode_class_of(code) != UNICODE_NONSPACING_MARK)
            codes_add(&built, !keep && is_symbol(code) ? ' ' : code);
    }
    codes_replace(text, &built);
}

static int is_mark(uint32_t code)
{
    enum unicode_class k = unicode_class_of(code);
    return k == UNICODE_MARK || k == UNICODE_NONSPACING_MARK;
}

/* Symbols to spaces; with keep_marks those marks stay that follow a letter, a digit, a joiner or another mark. */
static void remove_symbols(struct codes *text, int keep_marks)
{
    codes_compose(text);
    for (size_t i = 0; i < text->n; i++) {
        uint32_t before = i > 0 ? text->at[i - 1] : ' ';
        int is_held = unicode_is_word(before) || is_mark(before) || before == 0x200C || before == 0x200D; /* joiners */
        int stays = keep_marks && is_mark(text->at[i]) && is_held;
        if (is_symbol(text->at[i]) && !stays)
            text->at[i] = ' ';
    }
}

static void begin_basic(struct codes *text)
{
    codes_lower(text);
    remove_brackets(text);
    remove_parentheses(text);
}

static void end_basic(struct codes *text)
{
    codes_lower(text);
    normalize_squeeze(text);
}

void normalize_basic(struct codes *text)
{
    begin_basic(text);
    remove_symbols(text, 0);
    end_basic(text);
}

void normalize_basic_marks(struct codes *text)
{
    begin_basic(text);
    remove_symbols(text, 1);
    end_basic(text);
}

void normalize_basic_plain(struct codes *text)
{
    begin_basic(text);
    remove_symbols_and_diacritics(text, NULL, 0);
    end_basic(text);
}

/* A literal pattern, with \b before and after where wanted, and what takes its place. */
struct rule {
    int boundary_before;
    const char *from, *to;
};

/* \b(hmm|mm|mhm|mmm|uh|um)\b -> nothing; later "\s+'" -> "'" and then contractions and titles, in this order. */
/* clang-format off */
static const struct rule fillers[] = {
    {1, "hmm", ""}, {1, "mm", ""}, {1, "mhm", ""}, {1, "mmm", ""}, {1, "uh", ""}, {1, "um", ""},
};
static const struct rule contractions[] = {
    {1, "won't", "will not"}, {1, "can't", "can not"}, {1, "let's", "let us"}, {1, "ain't", "aint"},
    {1, "y'all", "you all"}, {1, "wanna", "want to"}, {1, "gotta", "got to"}, {1, "gonna", "going to"},
    {1, "i'ma", "i am going to"}, {1, "imma", "i am going to"}, {1, "woulda", "would have"},
    {1, "coulda", "could have"}, {1, "shoulda", "should have"}, {1, "ma'am", "madam"},
    {1, "mr", "mister "}, {1, "mrs", "missus "}, {1, "st", "saint "}, {1, "dr", "doctor "}, {1, "prof", "professor "},
    {1, "capt", "captain "}, {1, "gov", "governor "}, {1, "ald", "alderman "}, {1, "gen", "general "},
    {1, "sen", "senator "}, {1, "rep", "representative "}, {1, "pres", "president "}, {1, "rev", "reverend "},
    {1, "hon", "honorable "}, {1, "asst", "assistant "}, {1, "assoc", "associate "}, {1, "lt", "lieutenant "},
    {1, "col", "colonel "}, {1, "jr", "junior "}, {1, "sr", "senior "}, {1, "esq", "esquire "},
    {0, "'d been", " had been"}, {0, "'s been", " has been"}, {0, "'d gone", " had gone"},
    {0, "'s gone", " has gone"}, {0, "'d done", " had done"}, {0, "'s got", " has got"}, {0, "n't", " not"},
    {0, "'re", " are"}, {0, "'s", " is"}, {0, "'d", " would"}, {0, "'ll", " will"}, {0, "'t", " not"},
    {0, "'ve", " have"}, {0, "'m", " am"},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int matches(const struct codes *text, size_t i, const struct rule *rule, size_t n)
{
    if (n > text->n - i)
        return 0;
    for (size_t k = 0; k < n; k++)
        if (text->at[i + k] != (uint32_t)rule->from[k])
            return 0;
    return normalize_at_boundary(text, i + n) && (!rule->boundary_before || normalize_at_boundary(text, i));
}

static void apply(struct codes *text, const struct rule *rule)
{
    struct codes built = {0};
    size_t n = strlen(rule->from), i = 0, done = 0;
    while (i < text->n) {
        if (!matches(text, i, rule, n)) {
            i++;
            continue;
        }
        codes_add_all(&built, text->at + done, i - done);
        codes_add_ascii(&built, rule->to);
        done = i += n;
    }
    if (done == 0)
        return; /* most rules match nowhere */
    codes_add_all(&built, text->at + done, text->n - done);
    codes_replace(text, &built);
}

/* \s+' -> ' */
static void join_apostrophes(struct codes *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        while (text->at[i] == '\'' && n > 0 && unicode_is_blank(text->at[n - 1]))
            n--;
        text->at[n++] = text->at[i];
    }
    text->n = n;
}

/* (\d),(\d) -> the two digits */
static void remove_digit_commas(struct codes *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        text->at[n++] = text->at[i];
        if (i + 2 < text->n && unicode_digit(text->at[i]) >= 0 && text->at[i + 1] == ',' &&
            unicode_digit(text->at[i + 2]) >= 0) {
            text->at[n++] = text->at[i + 2];
            i += 2;
        }
    }
    text->n = n;
}

/* \.([^0-9]|$) -> a space and what follows */
static void remove_periods(struct codes *text)
{
    for (size_t i = 0; i < text->n; i++)
        if (text->at[i] == '.' && (i + 1 == text->n || !normalize_is_ascii_digit(text->at[i + 1])))
            text->at[i++] = ' ';
}

/* Every word by its American spelling, one space between words. */
static void americanize(struct codes *text)
{
    struct codes built = {0};
    for (size_t i = 0; i < text->n;) {
        char word[32];
        size_t from = i, n = 0;
        while (i < text->n && !unicode_is_blank(text->at[i])) {
            uint32_t code = text->at[i++];
            word[n < sizeof word - 1 ? n++ : n] = code >= 'a' && code <= 'z' ? (char)code : '?';
        }
        if (i > from && built.n > 0)
            codes_add(&built, ' ');
        const char *american = i > from && i - from == n ? normalize_spelling(word, n) : NULL;
        if (american != NULL)
            codes_add_ascii(&built, american);
        else
            codes_add_all(&built, text->at + from, i - from);
        i += i < text->n;
    }
    codes_replace(text, &built);
}

/* [.$cent euro pound]([^0-9]) -> a space and what follows; then ([^0-9])% -> what was before and a space */
static void remove_lone_signs(struct codes *text)
{
    for (size_t i = 0; i + 1 < text->n; i++) {
        uint32_t code = text->at[i];
        int is_sign = code == '.' || code == '$' || code == 0xA2 || code == 0x20AC || code == 0xA3;
        if (is_sign && !normalize_is_ascii_digit(text->at[i + 1]))
            text->at[i++] = ' ';
    }
    for (size_t i = 0; i + 1 < text->n; i++)
        if (!normalize_is_ascii_digit(text->at[i]) && text->at[i + 1] == '%')
            text->at[++i] = ' ';
}

void normalize_english(struct codes *text)
{
    static const uint32_t of_numbers[] = {'.', '%', '$', 0xA2, 0x20AC, 0xA3}; /* . % $ cent euro pound */
    begin_basic(text);
    for (size_t i = 0; i < COUNT(fillers); i++)
        apply(text, &fillers[i]);
    join_apostrophes(text);
    for (size_t i = 0; i < COUNT(contractions); i++)
        apply(text, &contractions[i]);
    remove_digit_commas(text);
    remove_periods(text);
    remove_symbols_and_diacritics(text, of_numbers, COUNT(of_numbers));
    normalize_numbers(text);
    americanize(text);
    remove_lone_signs(text);
    normalize_squeeze(text);
}
