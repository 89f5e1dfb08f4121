/* SPDX-License-Identifier: Apache-2.0
 * status.c - error messages, and the text of each code. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct message *msg, int code, const char *format, ...)
{
    if (msg != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(msg->text, sizeof msg->text, format, args);
        va_end(args);
    }
    return code;
}

int fail_in(struct message *msg, int code, const char *prefix)
{
    if (msg != NULL) {
        struct message old = *msg;
        size_t n = strlen(prefix);
        if (n > sizeof msg->text - 3)
            n = sizeof msg->text - 3;
        memcpy(msg->text, prefix, n);
        memcpy(msg->text + n, ": ", 2);
        size_t room = sizeof msg->text - n - 3, m = strlen(old.text);
        if (m > room)
            m = room;
        memcpy(msg->text + n + 2, old.text, m);
        msg->text[n + 2 + m] = '\0';
    }
    return code;
}

int fail_memory(struct message *msg) { return fail(msg, LINNET_E_MEMORY, "out of memory"); }

const char *linnet_strerror(int code)
{
    static const struct {
        int code;
        const char *text;
    } table[] = {
        {LINNET_OK, "no error"},
        {LINNET_E_ARGUMENT, "bad argument"},
        {LINNET_E_MEMORY, "out of memory"},
        {LINNET_E_IO, "cannot read or write"},
        {LINNET_E_FORMAT, "file is not what it should be"},
        {LINNET_E_MODEL, "model is incomplete, inconsistent or of an unknown kind"},
        {LINNET_E_AUDIO, "audio cannot be used"},
        {LINNET_E_DEVICE, "audio device failed"},
        {LINNET_E_STATE, "call is out of order"},
        {LINNET_E_CANCELLED, "cancelled"},
        {LINNET_E_UNSUPPORTED, "not supported by this model or build"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].text;
    return "unknown error";
}
