// The roles of the helper: each process of it has one. All roles serve until their socket closes,
// and return the exit status of the process.
#pragma once

namespace kmod {

// Answers from module indexes, configuration and module files. lib/live/helper/queries.ts is the
// other end.
int ServeQueries(int socket);

// Removes and inserts modules, and runs commands of modprobe.d, each in a child process. When the
// socket closes, children that are still inside the kernel continue alone, and init waits for them.
// lib/live/helper/changes.ts and commands.ts are the other end; change_messages.h has the messages.
int ServeChanges(int socket);

// Collects what uses the modules: mounts, networks, open devices. It runs in a process of its own,
// because it enters other network namespaces, and because reading the memory map of a process that
// hangs can block.
// lib/live/helper/survey.ts and survey-network.ts are the other end.
int ServeSurvey(int socket);

// Reports changes that may end a wait. lib/live/helper/events.ts is the other end.
int ServeEvents(int socket);

// Reports which modules are loaded and unloaded. `events`: what OpenModuleEvents() returned, which
// the Node process has opened. lib/live/helper/watch.ts is the other end.
int ServeWatch(int socket, int events);

// Reports who takes and drops references to one module, or counts the references that are taken
// to all modules (lib/live/helper/uses.ts). Also ends at a signal (SIGTERM, SIGINT,
// SIGHUP), and removes its tracing instance first. lib/live/helper/trace.ts is the other end.
int ServeTrace(int socket);

}  // namespace kmod
