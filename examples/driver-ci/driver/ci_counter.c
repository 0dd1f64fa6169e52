// SPDX-License-Identifier: GPL-2.0
// A small driver to test: each reading of /dev/ci_counter returns the next number.
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static int first;
module_param(first, int, 0444);
MODULE_PARM_DESC(first, "the first number");

static atomic_t next_number;

/* A reading takes place at the begin of the file; at any other place the file ends. */
static ssize_t counter_read(struct file *file, char __user *buffer, size_t size, loff_t *place)
{
	char text[16];
	int length;

	if (*place != 0)
		return 0;
	length = scnprintf(text, sizeof(text), "%d\n", atomic_fetch_inc(&next_number));
	return simple_read_from_buffer(buffer, size, place, text, length);
}

static const struct file_operations counter_operations = {
	.owner = THIS_MODULE,
	.read = counter_read,
};

static struct miscdevice counter_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ci_counter",
	.fops = &counter_operations,
};

static int __init counter_init(void)
{
	atomic_set(&next_number, first);
	return misc_register(&counter_device);
}

static void __exit counter_exit(void)
{
	misc_deregister(&counter_device);
}

module_init(counter_init);
module_exit(counter_exit);
MODULE_DESCRIPTION("A counter, as an example of a driver that is tested");
MODULE_LICENSE("GPL");
