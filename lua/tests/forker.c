/* fork(2), waitpid(2), execvp(3), prctl(2) and a second thread for tests. The few functions of Lua's C API that are used are the same in every version. */
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct lua_State lua_State;
extern void lua_createtable(lua_State *L, int list, int keys);
extern void lua_pushcclosure(lua_State *L, int (*function)(lua_State *), int upvalues);
extern void lua_pushnumber(lua_State *L, double number);
extern void lua_setfield(lua_State *L, int index, const char *key);

static pid_t child;

static int fork_process(lua_State *L) {
   child = fork();
   lua_pushnumber(L, child);
   return 1;
}

static int wait_for_child(lua_State *L) {
   int status = 0;
   /* By its id: what a writer has started by popen is a child of this process, too. */
   waitpid(child, &status, 0);
   lua_pushnumber(L, status);
   return 1;
}

static int become_cat(lua_State *L) {
   lua_pushnumber(L, execlp("cat", "cat", (char *)0));
   return 1;
}

/* As setproctitle and the like do it; /proc/PID/stat contains the name as it is. */
static int take_name_of_two_lines(lua_State *L) {
   lua_pushnumber(L, prctl(PR_SET_NAME, "a) S 1\nlr=0.1", 0, 0, 0));
   return 1;
}

static void *wait_for_input(void *argument) {
   char byte;
   while (read(0, &byte, 1) > 0) {}
   _exit(0);
   return argument;
}

/* Ends the first thread, while another one goes on until the end of the standard input. */
static int end_first_thread(lua_State *L) {
   pthread_t thread;
   (void)L;
   if (pthread_create(&thread, NULL, wait_for_input, NULL) == 0) pthread_exit(NULL);
   return 0;
}

int luaopen_forker(lua_State *L) {
   lua_createtable(L, 0, 5);
   lua_pushcclosure(L, fork_process, 0);
   lua_setfield(L, -2, "fork");
   lua_pushcclosure(L, wait_for_child, 0);
   lua_setfield(L, -2, "wait");
   lua_pushcclosure(L, become_cat, 0);
   lua_setfield(L, -2, "become_cat");
   lua_pushcclosure(L, take_name_of_two_lines, 0);
   lua_setfield(L, -2, "take_name_of_two_lines");
   lua_pushcclosure(L, end_first_thread, 0);
   lua_setfield(L, -2, "end_first_thread");
   return 1;
}
