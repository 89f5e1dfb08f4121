/* SPDX-License-Identifier: Apache-2.0
 * pickle_torch.h - the few classes that a pickle may name, computed here.  Of pickle*.c alone. */
#ifndef LINNET_CONVERT_PICKLE_TORCH_H
#define LINNET_CONVERT_PICKLE_TORCH_H

#include "convert/pickle_stack.h"

int pickle_torch_push_class(struct machine *m, struct pickle_text module, struct pickle_text name);
int pickle_torch_push_stack_class(struct machine *m); /* of the module and name on the stack */
int pickle_torch_push_storage(struct machine *m);     /* of the persistent id on the stack */
int pickle_torch_reduce(struct machine *m);           /* class and arguments on the stack to what the call gives */

#endif
