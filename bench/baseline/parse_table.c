// parse_table FILE: for each line of its input, reads a table of modules once and splits it into rows and
// fields (the lowest possible cost of reading it), and prints the milliseconds: wall and processor.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "timer.h"

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
  if (count != 2) return 2;
  char line[16];
  while (fgets(line, sizeof line, stdin)) {
    struct times begin = now();
    read_and_parse(arguments[1]);
    print_since(begin);
  }
}
