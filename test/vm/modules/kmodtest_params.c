// SPDX-License-Identifier: GPL-2.0
// Has parameters of several types, and each kind of field that modinfo prints.
#include <linux/module.h>
#include <linux/string.h>

static int number = 7;
module_param(number, int, 0644);
MODULE_PARM_DESC(number, "a number: with a colon");

static char *text = "nothing";
module_param(text, charp, 0444);
MODULE_PARM_DESC(text, "a text");

static bool flag;
module_param(flag, bool, 0644);

static int list[4];
static int list_length;
module_param_array(list, int, &list_length, 0444);
MODULE_PARM_DESC(list, "up to four numbers");

static int __init params_init(void) { return 0; }
static void __exit params_exit(void) {}

module_init(params_init);
module_exit(params_exit);
MODULE_DESCRIPTION("Has parameters");
MODULE_AUTHOR("One Author");
MODULE_AUTHOR("Another Author <another@example.org>");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.2.3");
MODULE_FIRMWARE("kmodtest/one.bin");
MODULE_ALIAS("kmodtest-alias-*");
MODULE_SOFTDEP("pre: kmodtest_base post: kmodtest_middle");
