// SPDX-License-Identifier: GPL-2.0
// See kmodtest_base.c.
#include <linux/module.h>

int kmodtest_base_value(void);
int kmodtest_middle_value(void);
int kmodtest_middle_value(void) { return kmodtest_base_value() + 1; }
EXPORT_SYMBOL_GPL(kmodtest_middle_value);

static int __init middle_init(void) { return 0; }
static void __exit middle_exit(void) {}

module_init(middle_init);
module_exit(middle_exit);
MODULE_DESCRIPTION("The middle module of a chain of three");
MODULE_LICENSE("GPL");
