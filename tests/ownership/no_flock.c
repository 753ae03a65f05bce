/* A system without flock(2): every call fails with the error that NO_FLOCK names, as mounts do that lack it. */

#include <errno.h>
#include <stdlib.h>

int flock(int descriptor, int operation) {
    (void)descriptor;
    (void)operation;
    errno = atoi(getenv("NO_FLOCK"));
    return -1;
}
