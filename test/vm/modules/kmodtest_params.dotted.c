// SPDX-License-Identifier: GPL-2.0
// In the kernel its name is kmodtest_params.dotted, as that of its file.
#include <linux/module.h>

static int __init dotted_init(void) { return 0; }
static void __exit dotted_exit(void) {}

module_init(dotted_init);
module_exit(dotted_exit);
MODULE_DESCRIPTION("Has a name with a dot");
MODULE_LICENSE("GPL");
