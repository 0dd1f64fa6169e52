// SPDX-License-Identifier: GPL-2.0
// See kmodtest_base.c.
#include <linux/module.h>

int kmodtest_middle_value(void);

static int __init top_init(void) { return kmodtest_middle_value() == 2 ? 0 : -EINVAL; }
static void __exit top_exit(void) {}

module_init(top_init);
module_exit(top_exit);
MODULE_DESCRIPTION("The uppermost module of a chain of three");
MODULE_LICENSE("GPL");
