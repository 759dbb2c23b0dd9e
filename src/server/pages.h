/* pages.h: the files of web/ that the server answers with, put into the program by embed.c when it is
 * built. */
#ifndef SERVER_PAGES_H
#define SERVER_PAGES_H

#include <stddef.h>

struct page {
    const unsigned char *bytes;
    size_t size;
};

extern const struct page page_index;     /* web/index.html: the landing page */
extern const struct page page_docs;      /* web/docs.html: the API, with a form to try it */
extern const struct page page_openapi;   /* web/openapi.json: OpenAPI 3.1 */
extern const struct page page_dashboard; /* web/dashboard.html: the numbers of /stats, live */

#endif
