// SPDX-License-Identifier: GPL-2.0
// Has an init function, but no exit function: /proc/modules shows it as [permanent].
#include <linux/module.h>

static int __init no_exit_init(void) { return 0; }

module_init(no_exit_init);
MODULE_DESCRIPTION("Has no exit function");
MODULE_LICENSE("GPL");
