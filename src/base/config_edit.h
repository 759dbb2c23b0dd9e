/* config_edit.h: changes a setting in the text of a configuration file and leaves every other byte as it
 * is. */
#ifndef BASE_CONFIG_EDIT_H
#define BASE_CONFIG_EDIT_H

#include "base/config.h"

/* Sets `key` to `value` (in its text form) in *text, the content of a configuration file (empty: a new
 * one): where it stands, under either of its forms; else in its section; else in a new section at the end.
 * On an error *text may be partly changed. Errors: LT_ERR_CONFIG (*text is no JSON object, or the value is
 * not the key's), LT_ERR_MEMORY. */
lt_status config_edit(struct str *text, enum config_key key, const char *value, lt_error *error);

#endif
