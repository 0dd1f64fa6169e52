// SPDX-License-Identifier: GPL-2.0
// Fails to load, with the errno that its parameter names.
#include <linux/module.h>

static int error = 19; /* ENODEV */
module_param(error, int, 0444);

static int __init fail_init_init(void) { return -error; }
static void __exit fail_init_exit(void) {}

module_init(fail_init_init);
module_exit(fail_init_exit);
MODULE_DESCRIPTION("Fails in its init function");
MODULE_LICENSE("GPL");
