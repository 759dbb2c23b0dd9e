/* libraries.h: the libraries in use and their versions, as they were found at run time. */
#ifndef CLI_LIBRARIES_H
#define CLI_LIBRARIES_H

enum { LIBRARY_VERSION_SIZE = 128 };

extern const int library_count;

/* The name of library `index`, 0 <= index < library_count. */
const char *library_name(int index);

/* Its version; NUL-terminated, cut to size. */
void library_version(int index, char version[LIBRARY_VERSION_SIZE]);

#endif
