// SPDX-License-Identifier: GPL-2.0
// Its exit function does not return, and cannot be killed, until the parameter `release` is set. All that
// time it holds a lock of the kernel, named by the parameter `lock`: "rtnl" (network interfaces) or
// "crypto" (/proc/crypto).
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/rwsem.h>
#include <linux/string.h>

extern struct rw_semaphore crypto_alg_sem;  // exported, but declared in no header for modules

static bool release;
module_param(release, bool, 0644);
static char *lock = "rtnl";
module_param(lock, charp, 0444);

static int __init hang_lock_init(void) {
  return strcmp(lock, "rtnl") == 0 || strcmp(lock, "crypto") == 0 ? 0 : -EINVAL;
}
static void __exit hang_lock_exit(void) {
  bool rtnl = strcmp(lock, "rtnl") == 0;
  if (rtnl) rtnl_lock();
  else down_write(&crypto_alg_sem);
  while (!READ_ONCE(release)) msleep(20);
  if (rtnl) rtnl_unlock();
  else up_write(&crypto_alg_sem);
}

module_init(hang_lock_init);
module_exit(hang_lock_exit);
MODULE_DESCRIPTION("Hangs in its exit function, with a lock of the kernel");
MODULE_LICENSE("GPL");
