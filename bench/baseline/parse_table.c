// parse_table FILE ROUNDS: reads a table of modules once and splits it into rows and fields: the lowest
// possible cost of reading it. Prints the median of the rounds in milliseconds.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "median.h"

struct row {
  char *name, *holders, *state;
  unsigned long size;
  long references;
};

static void read_and_parse(const char *path) {
  size_t capacity = 1 << 16, length = 0, count = 0, most = 256;
  char *text = malloc(capacity), *lines, *fields;
  struct row *rows = malloc(most * sizeof *rows);
  int fd = open(path, O_RDONLY);
  for (ssize_t got; (got = read(fd, text + length, capacity - length - 1)) > 0;) {
    length += got;
    if (capacity - length < 1 << 15) text = realloc(text, capacity *= 2);
  }
  close(fd);
  text[length] = 0;
  for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
    if (count == most) rows = realloc(rows, (most *= 2) * sizeof *rows);
    struct row *row = &rows[count++];
    row->name = strtok_r(line, " ", &fields);
    row->size = strtoul(strtok_r(NULL, " ", &fields), NULL, 10);
    row->references = strtol(strtok_r(NULL, " ", &fields), NULL, 10);
    row->holders = strtok_r(NULL, " ", &fields);
    row->state = strtok_r(NULL, " ", &fields);
  }
  free(rows);
  free(text);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int rounds = atoi(arguments[2]);
  double *times = malloc(rounds * sizeof *times);
  for (int i = 0; i < rounds; i++) {
    double begin = milliseconds();
    read_and_parse(arguments[1]);
    times[i] = milliseconds() - begin;
  }
  printf("%f\n", median(times, rounds));
}
