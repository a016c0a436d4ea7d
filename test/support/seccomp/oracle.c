/*
 * What libseccomp makes of a profile, driven as other runtimes drive it. Standard input, one item a line:
 *   default ACTION            the default action's return value
 *   native NAME               the architecture that is always there, by default this machine's
 *   arch NAME                 as seccomp_arch_resolve_name() knows it
 *   rule ACTION NAME N [INDEX OP A B]...
 * Standard output: struct sock_filter[]. Names that libseccomp lacks are skipped and printed to standard error.
 * Exit code 2: libseccomp refused something.
 */
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(const char *what, int rc) {
  fprintf(stderr, "refused: %s: %s\n", what, strerror(-rc));
  exit(2);
}

int main(void) {
  scmp_filter_ctx filter = NULL;
  char word[256];
  unsigned rules = 0;
  while (scanf("%255s", word) == 1) {
    uint32_t action;
    char name[256];
    int rc;
    if (strcmp(word, "default") == 0) {
      if (scanf("%" SCNu32, &action) != 1) return 1;
      filter = seccomp_init(action);
      if (filter == NULL) refuse("init", -EINVAL);
    } else if (strcmp(word, "arch") == 0 || strcmp(word, "native") == 0) {
      if (scanf("%255s", name) != 1) return 1;
      uint32_t arch = seccomp_arch_resolve_name(name);
      rc = seccomp_arch_add(filter, arch);
      if (rc != 0 && rc != -EEXIST) refuse(name, rc);
      if (strcmp(word, "native") == 0 && arch != seccomp_arch_native()) seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
    } else {
      struct scmp_arg_cmp args[6];
      unsigned count;
      if (scanf("%" SCNu32 " %255s %u", &action, name, &count) != 3 || count > 6) return 1;
      for (unsigned i = 0; i < count; i++) {
        unsigned op;
        if (scanf("%u %u %" SCNu64 " %" SCNu64, &args[i].arg, &op, &args[i].datum_a, &args[i].datum_b) != 4) return 1;
        args[i].op = (enum scmp_compare)op;
      }
      int number = seccomp_syscall_resolve_name(name);
      if (number == __NR_SCMP_ERROR) {
        fprintf(stderr, "unknown: %s\n", name);
        continue;
      }
      rules++;
      rc = seccomp_rule_add_array(filter, action, number, count, args);
      if (rc != 0) refuse(name, rc);
    }
  }
  if (rules > 32) seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  return seccomp_export_bpf(filter, 1) == 0 ? 0 : 2;
}
