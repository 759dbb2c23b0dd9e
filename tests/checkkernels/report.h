/* report.h: the part of the reports that only main.c uses. */
#ifndef CHECKKERNELS_REPORT_H
#define CHECKKERNELS_REPORT_H

/* Checks whose name ("set.kernel") does not contain `filter` (NULL: none) are left out. */
void report_start(const char *filter, unsigned long long seed);
int report_checks(void);
int report_failures(void);

#endif
