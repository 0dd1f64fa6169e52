// SPDX-License-Identifier: GPL-2.0
// Causes an oops in its exit function: the kernel kills the process that called delete_module.
#include <linux/module.h>

static int *volatile nowhere;

static int __init oops_exit_init(void) { return 0; }
static void __exit oops_exit_exit(void) { *nowhere = 1; }

module_init(oops_exit_init);
module_exit(oops_exit_exit);
MODULE_DESCRIPTION("Dereferences a null pointer in its exit function");
MODULE_LICENSE("GPL");
