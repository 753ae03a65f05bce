/* A resolver that can be stopped: loaded before libc, it answers for one name while no file forbids it.

   The name is in RESOLVER_NAME; while the file RESOLVER_STOPPED exists, its lookup fails like that of a resolver
   that nobody answers (getaddrinfo(3), EAI_AGAIN). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
   int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
      dlsym(RTLD_NEXT, "getaddrinfo");
   const char *name = getenv("RESOLVER_NAME"), *stopped = getenv("RESOLVER_STOPPED");
   if (node && name && strcmp(node, name) == 0) {
      if (stopped && access(stopped, F_OK) == 0)
         return EAI_AGAIN;
      node = "127.0.0.1";
   }
   return real(node, service, hints, found);
}
