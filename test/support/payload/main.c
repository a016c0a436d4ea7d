/*
 * The test payload: what runs as a container's process, and the small tools that tests need on the host.
 * Usage: payload VERB [ARG…] [\; VERB [ARG…]]…   Each verb prints one JSON object on a line of its own, so that
 * one container can answer many questions. Static, so that a rootfs needs nothing else.
 * Under the name of a verb (a link /bin/true) it is that verb.
 */
#include "out.h"

#include <stdio.h>
#include <string.h>

static const struct verb *const tables[] = {processVerbs, fileVerbs, reportVerbs, syscallVerbs, hostVerbs, attackVerbs, moveVerbs};

static const struct verb *lookUp(const char *name) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const struct verb *v = tables[i]; v->name != NULL; v++)
      if (strcmp(v->name, name) == 0) return v;
  return NULL;
}

static int usage(void) {
  fputs("usage: payload VERB [ARG...] [; VERB [ARG...]]...\n", stderr);
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const struct verb *v = tables[i]; v->name != NULL; v++) fprintf(stderr, "  %s %s\n", v->name, v->help);
  return 125;
}

int main(int argc, char **argv) {
  int at = 1;
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  const struct verb *self = argc > 0 ? lookUp(slash == NULL ? argv[0] : slash + 1) : NULL;
  if (self != NULL) return self->run(argc - 1, argv + 1);
  if (argc < 2) return usage();
  while (at < argc) {
    int stop = at + 1;
    while (stop < argc && strcmp(argv[stop], ";") != 0) stop++;
    const struct verb *verb = lookUp(argv[at]);
    int count = stop - at - 1;
    if (verb == NULL || count < verb->minArgs) {
      fprintf(stderr, "payload: %s: %s\n", argv[at], verb == NULL ? "no such verb" : "too few arguments");
      return 125;
    }
    int status = verb->run(count, argv + at + 1);
    fflush(stdout);
    if (status != 0) return status;
    at = stop + 1;
  }
  return 0;
}
