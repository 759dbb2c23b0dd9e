/* disk.h: clips in files: the cache's level that outlives the process.
 *
 * A file a clip, named by its key, in 256 folders of a folder that several processes may share. A file is
 * written under another name and renamed, and its record carries a checksum, so whatever a crash leaves
 * behind is a miss and is removed. The time of a file is when it was last used: when the files are too
 * many bytes, the longest unused go.
 *
 * Thread-safe. */
#ifndef ENGINE_DISK_H
#define ENGINE_DISK_H

#include "engine/clip.h"
#include "engine/level.h"

struct disk;

/* Makes the folder when it is missing. `limit`: most bytes of files; 0: no limit. Errors: LT_ERR_IO,
 * LT_ERR_MEMORY. */
lt_status disk_open(const char *folder, uint64_t limit, struct disk **disk, lt_error *error);
void disk_close(struct disk *disk); /* NULL is fine */

/* Fills an empty clip that has its key; false: it is not there. */
bool disk_load(struct disk *disk, struct clip *clip);

/* Writes a clip's record. */
void disk_save(struct disk *disk, const struct clip *clip, const void *record, size_t size);

void disk_look(struct disk *disk, struct level_counts *counts);

#endif
