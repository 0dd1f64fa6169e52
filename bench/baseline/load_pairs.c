// load_pairs FILE NAME: for each line of its input, which is a number, loads the module of this file and
// removes it again that often, and prints the milliseconds: wall and processor.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "timer.h"

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int file = open(arguments[1], O_RDONLY | O_CLOEXEC);
  char line[16];
  while (fgets(line, sizeof line, stdin)) {
    struct times begin = now();
    for (int i = atoi(line); i > 0; i--) {
      if (syscall(SYS_finit_module, file, "", 0) != 0 ||
          syscall(SYS_delete_module, arguments[2], O_NONBLOCK) != 0) {
        perror(arguments[2]);
        return 1;
      }
    }
    print_since(begin);
  }
}
