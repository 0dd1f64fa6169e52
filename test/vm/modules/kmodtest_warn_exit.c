// SPDX-License-Identifier: GPL-2.0
// Its exit function prints a kernel warning.
#include <linux/module.h>

static int __init warn_exit_init(void) { return 0; }
static void __exit warn_exit_exit(void) { WARN(1, "kmodtest: a warning on purpose\n"); }

module_init(warn_exit_init);
module_exit(warn_exit_exit);
MODULE_DESCRIPTION("Warns in its exit function");
MODULE_LICENSE("GPL");
