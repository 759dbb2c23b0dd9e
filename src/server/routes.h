/* routes.h: which path and method does what. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "server/state.h"

struct route {
    const char *path;  /* "/v1/models/" with a final slash takes one more segment: exchange.argument */
    const char *allow; /* the methods, as the Allow header has them */
    bool open;         /* needs no API key */
    enum MHD_Result (*get)(struct exchange *x);  /* GET and HEAD */
    enum MHD_Result (*post)(struct exchange *x); /* POST, when the whole body is there */
};

/* The route of a decoded path, or NULL; *argument is set as struct route says. Base URLs are written in many ways:
 * several slashes count as one, a last one as none, and routes under /v1 are found without it. */
const struct route *route_find(const char *path, const char **argument);

#endif
