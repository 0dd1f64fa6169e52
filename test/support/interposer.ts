/** A library for LD_PRELOAD that makes one function of the C library hang, as on a dead file system. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** opendir() of a path with this end never returns. */
export const HANGING_END = '/holders'

const SOURCE = `
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

DIR *opendir(const char *path) {
  static const char kEnd[] = "${HANGING_END}";
  size_t length = strlen(path);
  size_t end = sizeof(kEnd) - 1;
  while (length >= end && strcmp(path + length - end, kEnd) == 0) pause();
  return ((DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir"))(path);
}
`

/** Builds the library. Returns the environment of a process that uses it. */
export function hangingOpendir(folder: string): NodeJS.ProcessEnv {
  const source = join(folder, 'hang.c')
  const library = join(folder, 'hang.so')
  writeFileSync(source, SOURCE)
  const { LD_PRELOAD = '', ...environment } = process.env
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl'], { env: environment })
  // After the runtimes of the sanitizers, which must be the first.
  return { LD_PRELOAD: `${LD_PRELOAD} ${library}`.trim() }
}
