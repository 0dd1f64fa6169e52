// SPDX-License-Identifier: GPL-2.0
// Its exit function sleeps for a while.
#include <linux/delay.h>
#include <linux/module.h>

static unsigned int exit_ms = 1000;
module_param(exit_ms, uint, 0644);
MODULE_PARM_DESC(exit_ms, "how long the exit function sleeps");

static int __init slow_exit_init(void) { return 0; }
static void __exit slow_exit_exit(void) { msleep(exit_ms); }

module_init(slow_exit_init);
module_exit(slow_exit_exit);
MODULE_DESCRIPTION("Sleeps in its exit function");
MODULE_LICENSE("GPL");
