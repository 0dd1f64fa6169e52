// delete_modules NAME...: removes the modules with delete_module(2), in this order, and prints the
// milliseconds that the calls took together.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "median.h"

int main(int count, char **arguments) {
  double begin = milliseconds();
  for (int i = 1; i < count; i++) {
    if (syscall(SYS_delete_module, arguments[i], O_NONBLOCK) != 0) {
      fprintf(stderr, "%s: %s\n", arguments[i], strerror(errno));
      return 1;
    }
  }
  printf("%f\n", milliseconds() - begin);
  (void)median;
}
