// SPDX-License-Identifier: GPL-2.0
// Its init function does not return until the parameter `release` is set.
#include <linux/delay.h>
#include <linux/module.h>

static bool release;
module_param(release, bool, 0644);

static int __init hang_init_init(void) {
  while (!READ_ONCE(release)) msleep(20);
  return 0;
}
static void __exit hang_init_exit(void) {}

module_init(hang_init_init);
module_exit(hang_init_exit);
MODULE_DESCRIPTION("Hangs in its init function");
MODULE_LICENSE("GPL");
