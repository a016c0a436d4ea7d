/* JSON output and the table of verbs of the test payload. Every verb prints one line: one JSON object. */
#ifndef PAYLOAD_OUT_H
#define PAYLOAD_OUT_H

#include <stddef.h>

struct verb {
  const char *name;
  int minArgs; /* without the verb itself */
  /* argc counts the arguments after the verb; returns the exit status of the payload, 0 to go on */
  int (*run)(int argc, char **argv);
  const char *help;
};

/* Each table ends with a row whose name is NULL. */
extern const struct verb processVerbs[];
extern const struct verb fileVerbs[];
extern const struct verb reportVerbs[];
extern const struct verb syscallVerbs[];
extern const struct verb hostVerbs[];
extern const struct verb attackVerbs[];
extern const struct verb moveVerbs[];

void begin(const char *verb);                        /* {"verb":"NAME" */
void key(const char *name);                          /* ,"name": */
void text(const char *value);                        /* a JSON string, null for NULL */
void bytes(const char *value, size_t size);          /* a JSON string; a byte above 127 becomes a \u00XX */
void number(long long value);
void strField(const char *name, const char *value);
void numField(const char *name, long long value);
void bigField(const char *name, unsigned long long value); /* as a string: exact to 64 bits */
void errField(int error);                            /* "errno":"ENOENT", or null for 0 */
void raw(const char *json);                          /* punctuation */
void end(void);                                      /* } and a newline, flushed */
const char *errnoName(int error);
long long toNumber(const char *s);                   /* decimal, 0x or 0o; exits with 125 when it is none */

#endif
