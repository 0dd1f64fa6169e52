// delete_modules: for each line of its input, which has names of modules, removes these with
// delete_module(2), in this order, and prints the milliseconds that the calls took together: wall and
// processor.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "timer.h"

int main(void) {
  static char line[1 << 16];
  while (fgets(line, sizeof line, stdin)) {
    struct times begin = now();
    for (char *name = strtok(line, " \n"); name; name = strtok(NULL, " \n")) {
      if (syscall(SYS_delete_module, name, O_NONBLOCK) != 0) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return 1;
      }
    }
    print_since(begin);
  }
}
