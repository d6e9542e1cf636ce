/* The commands of doorward(8), as main.c's table has them. Each takes its own
 * arguments (argv[0] is the command's name) and returns the exit status: 0, 1
 * when the answer is no, 2 for a wrong command line. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stddef.h>

#define CTL_CONFIG "/etc/doorward/config.yaml"
#define CTL_RUN_DIR "/run/doorward"

struct settings;

/* Part of check-config: a line for every slot. */
/* Returns how many that the configuration needs cannot be used. */
size_t check_slots_print(const struct settings *s);

int command_run(int argc, char **argv);
int command_check_config(int argc, char **argv);
int command_explain_url(int argc, char **argv);
int command_status(int argc, char **argv);
int command_keys(int argc, char **argv);

#endif
