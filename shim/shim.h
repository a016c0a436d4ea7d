/* What the files of the shim share: the plan in memory, the state of the run, and helpers by family. */
#pragma once
#include "ops.gen.h"
#include "sys.h"

#define ALL_SIGNALS UINT64_MAX
enum limits { MAX_SLOTS = 256, MAX_DETAIL = 512, MAX_PLAN = 16 << 20, PLAN_HEADER = 32 };

/** An op record. The fields that follow are `struct op_NAME`. */
struct record {
  uint32_t index;
  uint16_t code, fields;
  uint16_t tolerated[4];
};

struct plan {
  const uint8_t *bytes;
  uint32_t length, count, records, slots;
  const uint8_t *blob;
  uint32_t blob_length;
  /** Pointers that the longest argument and environment lists of one op need. */
  uint32_t pointers;
};

/* Why a plan was refused: the step of a `failed` frame for the plan itself. */
enum refusal {
  PLAN_READ,
  PLAN_MAGIC,
  PLAN_BUILD_ID,
  PLAN_LENGTH,
  PLAN_RECORD,
  PLAN_OPCODE,
  PLAN_FIELD,
  PLAN_TRAILING,
  PLAN_ARGUMENTS,
};

enum verb { VERB_LAUNCH, VERB_MONITOR, VERB_CHECK };

/** The one state of the run. */
struct shim {
  enum verb verb;
  struct plan plan;
  int report;           /* the report socket; after wait_start the exec fifo; -1: nobody listens */
  int preserved;        /* how many descriptors after 0-2 belong to the container */
  uint32_t umask;       /* of whatever else is executed: the caller's, after the op of that name the container's */
  int slots[MAX_SLOTS]; /* descriptors, -1 when not open */
  const struct record *record; /* the op that runs */
  uint32_t step;               /* where it failed */
  uint32_t detail_length;
  char detail[MAX_DETAIL]; /* the kernel's own words */
  char **pointers;         /* room for one op's argument and environment lists */
  char executable[PATH_MAX];
  char home[PATH_MAX]; /* "HOME=…" once find_home ran */
  int hook_output[2];  /* where the streams 1 and 2 of hooks go; -1: kept for the error */
  int masks[2];        /* the mask of files and of directories that were attached first */
  int chdir_failed;    /* a chdir was tolerated: it is tried again, and checked */
  int init_status;     /* wait status of init, once supervise saw it end */
  int cleanup_failed;  /* an op of the monitor failed */
};
extern struct shim shim;

/* plan.c */
/** Checks all of a plan against the tables. 0, or -1 with the reason. Touches nothing but `bytes`. */
int check_plan(const uint8_t *bytes, size_t length, struct plan *plan, uint32_t *refusal);
/** Copies the plan into memory of our own. 0 or a negative errno. */
int read_plan(int fd, const uint8_t **bytes, size_t *length);

/* The fields of an op, once checked. */
static inline const char *text(struct ref ref) { return (const char *)shim.plan.blob + ref.at; }
static inline int present(struct ref ref) { return ref.at != UINT32_MAX || ref.length != UINT32_MAX; }
static inline int slot(uint64_t n) { return shim.slots[n]; }
/** Stores a descriptor in a slot (closing what it held). Passes errors through. */
int keep(uint64_t slot, int fd);
void drop(uint64_t slot);
/** Writes a NULL-terminated array of the strings of a list; returns where the next array may begin. */
char **spread(struct ref list, char **into);

/* run.c */
int run_plan(void);
/** Notes the step that failed; returns the error. */
int failed(uint32_t step, int error);
/** Notes the kernel's (or a hook's) own words. */
void explain(const char *words, size_t length);

/* monitor.c */
/** Between `release` and `supervise` a failed op ends init and the run: the runtime is executed to tell it. */
void give_up(uint32_t index, uint32_t step, int error);
/** The runtime is executed to keep what the hook of this index printed: the detail. */
void tell_said(uint32_t index);

/* report.c */
enum frame_kind { FRAME_STARTED = 1, FRAME_BARRIER, FRAME_FD, FRAME_FAILED, FRAME_SAID = 6 };
/** The head of what is sent; the detail follows. */
struct frame {
  uint32_t kind, a, b;
  int32_t c;
};
int report(enum frame_kind kind, uint32_t a, uint32_t b, int32_t c);
/** What a descriptor in a frame is. */
enum tag { TAG_CONSOLE = 1, TAG_LISTENER };
int report_fd(enum tag tag, int fd);
void report_failure(uint32_t index, uint32_t step, int32_t error);
/** What somebody said whom the op of this index ran: the detail. */
void report_said(uint32_t index);
_Noreturn void leave(int status);

/* path.c: the only way to a file in a container's root */
/** Opens `path` inside `root`; O_CLOEXEC is implied. A descriptor or a negative errno. */
int open_in_root(int root, const char *path, uint64_t flags, enum links links);
/** The same with O_PATH; what is missing is made: parents as directories, the end as `mode` says (type and bits). */
int make_in_root(int root, const char *path, uint32_t mode, enum links links);
/** What make_in_root does once opening said -ENOENT. */
int make_missing(int root, const char *path, uint32_t mode, enum links links);
/** Opens the directory that holds the end of `path`, making it when missing; `name` gets the end. */
int open_parent(int root, const char *path, const char **name);
/**
 * An error when `fd`, opened at `path`, lies in a procfs that the path does not name: a link of the image led
 * there. What may be mounted over /proc was judged by its name, so a link must not make another name of it.
 */
int reaches_procfs_by_link(int root, const char *path, int fd);
/** walk.c: the same without openat2; `mode` 0: nothing is made. */
int walk(int root, const char *path, uint64_t flags, enum links links, uint32_t mode);
/** Opens below `dir`, through no symlink, no other mount, and nothing above. */
int open_beneath(int dir, const char *path, uint64_t flags);

/* mount.c */
int clone_tree(int fd, unsigned flags);
int attach(int tree, int target);
int set_attributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation, unsigned flags);
/** A new mount of a filesystem whose options are NUL-separated in `options`. Steps as in fsmount. */
int new_mount(const char *type, const char *source, const char *options, size_t length, uint64_t attributes);

/* process.c */
/** fork(2). */
static inline int fork_process(void) { return sys(clone, SIGCHLD); }
/** A page that parent and child both see, for what a child must tell before it can speak. */
int32_t *shared_page(void);
/** Every disposition the default one, and this mask: bit n - 1 blocks signal n. */
void reset_signals(uint64_t mask);
void mask_signals(uint64_t mask);
/** Whether a write that nobody reads ends this process. */
void catch_sigpipe(int caught);
int wait_for(int pid, int *status);
/** Runs a program with its environment, as our caller would, and waits for it. */
int run_program(struct ref program, struct ref environment, uint32_t fork_step, uint32_t execve_step);
/** The same with the lists spread. */
int run_words(char **args, char **env, uint32_t fork_step, uint32_t execve_step);
/** Marks all descriptors from `first` on. */
int close_on_exec(unsigned first);
/** Milliseconds of the monotonic clock. */
int64_t now(void);

/** Writes a number in decimal, NUL included; returns its length. */
size_t to_decimal(uint32_t value, char *into);

static inline int same(const char *a, const char *b) {
  size_t length = strlen(a);
  return strlen(b) == length && memcmp(a, b, length) == 0;
}
static inline int starts_with(const char *text, const char *prefix) {
  while (*prefix != '\0')
    if (*text++ != *prefix++) return 0;
  return 1;
}
static inline void close_fd(int fd) {
  if (fd >= 0) sys(close, fd);
}
