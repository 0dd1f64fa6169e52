// SPDX-License-Identifier: GPL-2.0
// kmodtest_middle uses a symbol of this module, and kmodtest_top one of kmodtest_middle.
#include <linux/module.h>

int kmodtest_base_value(void);
int kmodtest_base_value(void) { return 1; }
EXPORT_SYMBOL_GPL(kmodtest_base_value);

static int __init base_init(void) { return 0; }
static void __exit base_exit(void) {}

module_init(base_init);
module_exit(base_exit);
MODULE_DESCRIPTION("The lowest module of a chain of three");
MODULE_LICENSE("GPL");
