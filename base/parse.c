/* SPDX-License-Identifier: Apache-2.0
 * parse.c - numbers and names as people write them.
 *
 * The distance is Damerau's with adjacent swaps (optimal string alignment), three rows of the table at a time. */
#include "base/parse.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/status.h"

#define LONGEST 63

static int starts_like_a_number(const char *text) { return *text != '\0' && strchr("+-.0123456789", *text) != NULL; }

int parse_int(const char *text, long long low, long long high, long long *value)
{
    char *end;
    errno = 0;
    long long v = starts_like_a_number(text) ? strtoll(text, &end, 10) : 0;
    if (!starts_like_a_number(text) || errno != 0 || end == text || *end != '\0' || v < low || v > high)
        return LINNET_E_ARGUMENT;
    *value = v;
    return 0;
}

int parse_number(const char *text, double low, double high, double *value)
{
    if (!starts_like_a_number(text))
        return LINNET_E_ARGUMENT;
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return LINNET_E_MEMORY;
    char *end;
    double v = strtod_l(text, &end, c);
    freelocale(c);
    if (end == text || *end != '\0' || !(v >= low && v <= high)) /* also not a number */
        return LINNET_E_ARGUMENT;
    *value = v;
    return 0;
}

int parse_bool(const char *text, int *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (int i = 0; i < 8; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2;
            return 0;
        }
    return LINNET_E_ARGUMENT;
}

int parse_choice(const char *text, const char *choices)
{
    size_t n = strlen(text);
    for (int i = 0; choices != NULL; i++) {
        size_t n_name = strcspn(choices, "|");
        if (n_name == n && memcmp(choices, text, n) == 0)
            return i;
        choices = choices[n_name] == '|' ? choices + n_name + 1 : NULL;
    }
    return -1;
}

static int least(int a, int b) { return a < b ? a : b; }

int parse_distance(const char *a, const char *b)
{
    size_t n_a = strlen(a), n_b = strlen(b);
    if (n_a > LONGEST || n_b > LONGEST)
        return 2 * LONGEST;
    int rows[3][LONGEST + 1];
    for (size_t j = 0; j <= n_b; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= n_a; i++) {
        const int *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        int *row = rows[i % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= n_b; j++) {
            int cost = a[i - 1] != b[j - 1];
            row[j] = least(above[j - 1] + cost, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n_a % 3][n_b];
}

void parse_offer(struct parse_nearest *nearest, const char *name)
{
    int distance = parse_distance(nearest->wanted, name);
    int far = (int)strlen(nearest->wanted) / 3 + 1; /* a suggestion that shares little helps nobody */
    if (distance <= far && (nearest->best == NULL || distance < nearest->distance)) {
        nearest->best = name;
        nearest->distance = distance;
    }
}
