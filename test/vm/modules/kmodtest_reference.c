// SPDX-License-Identifier: GPL-2.0
// Holds as many references to itself as its parameter `references` says. Writing another number to the
// parameter takes or drops references.
#include <linux/module.h>

static int held;

static int set_references(const char *text, const struct kernel_param *parameter)
{
  int wanted, error = kstrtoint(text, 0, &wanted);

  if (error || wanted < 0) return error ? error : -EINVAL;
  for (; held < wanted; held++) __module_get(THIS_MODULE);
  for (; held > wanted; held--) module_put(THIS_MODULE);
  return 0;
}

static const struct kernel_param_ops references_ops = {
  .set = set_references,
  .get = param_get_int,
};
module_param_cb(references, &references_ops, &held, 0644);

static int __init reference_init(void) { return 0; }
static void __exit reference_exit(void) {}

module_init(reference_init);
module_exit(reference_exit);
MODULE_DESCRIPTION("Holds references to itself");
MODULE_LICENSE("GPL");
