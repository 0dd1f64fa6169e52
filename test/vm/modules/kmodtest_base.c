// SPDX-License-Identifier: GPL-2.0
// The lowest of three: middle uses its symbol, top uses middle's.
#include <linux/module.h>

int kmodtest_base_value(void);
int kmodtest_base_value(void) { return 1; }
EXPORT_SYMBOL_GPL(kmodtest_base_value);

static int __init base_init(void) { return 0; }
static void __exit base_exit(void) {}

module_init(base_init);
module_exit(base_exit);
MODULE_DESCRIPTION("The lowest of three");
MODULE_LICENSE("GPL");
