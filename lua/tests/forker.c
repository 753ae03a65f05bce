/* fork(2), waitpid(2) and execvp(3) for tests. The few functions of Lua's C API that are used are the same in every version. */
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

int luaopen_forker(lua_State *L) {
   lua_createtable(L, 0, 3);
   lua_pushcclosure(L, fork_process, 0);
   lua_setfield(L, -2, "fork");
   lua_pushcclosure(L, wait_for_child, 0);
   lua_setfield(L, -2, "wait");
   lua_pushcclosure(L, become_cat, 0);
   lua_setfield(L, -2, "become_cat");
   return 1;
}
