// hold_mounts COUNT: makes about this number of mounts in a mount namespace of its own, prints "ready", and
// ends when its standard input ends, and with it the namespace and the mounts.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

// Each mount(2) takes time in proportion to the mounts that are there. So it makes a few, and copies them.
enum { GROUP = 200 };

static void bind_at(const char *source, const char *target, unsigned long flags) {
  if (mkdir(target, 0700) != 0 || mount(source ? source : target, target, NULL, flags, NULL) != 0) {
    perror(target);
    exit(1);
  }
}

int main(int count, char **arguments) {
  int groups = (count > 1 ? atoi(arguments[1]) : 0) / GROUP;
  if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("tmpfs", "/mnt", "tmpfs", 0, NULL) != 0) {
    perror("a mount namespace");
    return 1;
  }
  char path[64];
  bind_at(NULL, "/mnt/group_1", MS_BIND);
  // With the group itself, which is a mount too.
  for (int i = 1; i < GROUP; i++) {
    snprintf(path, sizeof path, "/mnt/group_1/a_mount_of_another_user_%d", i);
    bind_at(NULL, path, MS_BIND);
  }
  for (int i = 2; i <= groups; i++) {
    snprintf(path, sizeof path, "/mnt/group_%d", i);
    bind_at("/mnt/group_1", path, MS_BIND | MS_REC);
  }
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {
  }
}
