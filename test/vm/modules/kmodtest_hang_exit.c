// SPDX-License-Identifier: GPL-2.0
// Its exit function does not return, and cannot be killed, until the parameter `release` is set. That is
// possible meanwhile: the kernel removes the parameters from /sys after the exit function.
#include <linux/delay.h>
#include <linux/module.h>

static bool release;
module_param(release, bool, 0644);

static int __init hang_exit_init(void) { return 0; }
static void __exit hang_exit_exit(void) {
  while (!READ_ONCE(release)) msleep(20);
}

module_init(hang_exit_init);
module_exit(hang_exit_exit);
MODULE_DESCRIPTION("Hangs in its exit function");
MODULE_LICENSE("GPL");
