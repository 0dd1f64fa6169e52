// hold_files PROCESSES FILES: starts this number of processes with this number of open files each,
// prints "ready", and ends them when its standard input ends.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int count, char **arguments) {
  int processes = count > 1 ? atoi(arguments[1]) : 0;
  int files = count > 2 ? atoi(arguments[2]) : 0;
  for (int i = 0; i < processes; i++) {
    pid_t pid = fork();
    if (pid < 0) {
      perror("fork");
      return 1;
    }
    if (pid > 0) continue;
    // The processes end if their parent is killed.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int k = 3; k < files; k++) {
      if (open(k % 2 ? "/etc/passwd" : "/dev/null", O_RDONLY) < 0) return 1;
    }
    for (;;) pause();
  }
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  kill(0, SIGTERM);
}
