/* Between the monitor's loop and its terminal relay. */
#pragma once
#include "shim.h"

/** What the container says of itself by sd_notify(3): -1, or the socket to poll. */
int notify_fd(void);
void notify_read(void);

enum { RELAY_FDS = 3 };

int relay_start(int master);
void relay_resize(void);
/** Makes the user's terminal raw, again after somebody else had it. */
void relay_take_terminal(void);
int relay_watch(struct pollfd *poll, int *timeout);
void relay_move(const struct pollfd *poll);
void relay_drain(void);
void relay_stop(void);
