/* pickle.c: the restricted pickle reader; the opcodes are those of CPython's pickletools.py. */
#include "convert/pickle.h"

#include <stdlib.h>
#include <string.h>

enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_DICT = 'd',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_LIST = 'l',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_EMPTY_LIST = ']',
    OP_EMPTY_TUPLE = ')',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95
};

static const char *const names[PICKLE_NAME_COUNT] = {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.FloatStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.DoubleStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.ShortStorage",
    "torch.IntStorage",
    "torch.LongStorage",
};

struct machine {
    struct pickle *pickle;
    const unsigned char *begin, *at, *end;
    const char *what;
    uint32_t *stack; /* value numbers; 0 is a mark */
    size_t depth, stack_capacity;
    uint32_t *memo; /* value numbers; 0: empty */
    size_t memo_capacity, memo_next;
    lt_error *error;
};

/* ---- Failure, growth --------------------------------------------------------------------------- */

static lt_status damaged(struct machine *m, const char *why)
{
    return error_set(m->error, LT_ERR_MODEL,
                     "'%s' holds a damaged pickle: %s (at byte %zu); download it again, or use another",
                     m->what, why, (size_t)(m->at - m->begin));
}

static lt_status out_of_memory(struct machine *m)
{
    return error_memory(m->error, "a checkpoint's table of contents");
}

/* `array` with room for `wanted` elements of `size` bytes, new ones zeroed; NULL: out of memory, it stays. */
static void *grown(void *array, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity)
        return array;
    size_t more = wanted + wanted / 2 + 64;
    void *bigger = realloc(array, more * size);
    if (bigger == NULL)
        return NULL;
    memset((char *)bigger + *capacity * size, 0, (more - *capacity) * size);
    *capacity = more;
    return bigger;
}

/* A new value; 0 when out of memory. Never more than there are bytes, so the numbers fit. */
static uint32_t new_value(struct machine *m, enum pickle_kind kind)
{
    struct pickle *p = m->pickle;
    struct pickle_value *values =
        grown(p->values, &p->value_capacity, (size_t)p->value_count + 1, sizeof *values);
    if (values == NULL)
        return 0;
    p->values = values;
    p->values[p->value_count] = (struct pickle_value){.kind = kind};
    return p->value_count++;
}

static bool add_item(struct machine *m, uint32_t container, uint32_t value)
{
    struct pickle *p = m->pickle;
    struct pickle_item *items = grown(p->items, &p->item_capacity, (size_t)p->item_count + 1, sizeof *items);
    if (items == NULL)
        return false;
    p->items = items;
    uint32_t item = p->item_count++;
    p->items[item] = (struct pickle_item){.value = value};
    struct pickle_value *c = &p->values[container];
    if (c->last != 0)
        p->items[c->last].next = item;
    else
        c->first = item;
    c->last = item;
    c->count++;
    return true;
}

/* ---- Stack and memo ---------------------------------------------------------------------------- */

static lt_status push(struct machine *m, uint32_t value)
{
    uint32_t *stack = grown(m->stack, &m->stack_capacity, m->depth + 1, sizeof *stack);
    if (stack == NULL)
        return out_of_memory(m);
    m->stack = stack;
    m->stack[m->depth++] = value;
    return LT_OK;
}

static lt_status push_new(struct machine *m, enum pickle_kind kind, int64_t integer)
{
    uint32_t value = new_value(m, kind);
    if (value == 0)
        return out_of_memory(m);
    m->pickle->values[value].integer = integer;
    return push(m, value);
}

/* The value `back` below the top; 0 when there is none or it is a mark. */
static uint32_t peek(const struct machine *m, size_t back)
{
    return m->depth > back ? m->stack[m->depth - 1 - back] : 0;
}

/* Where the values above the topmost mark begin; SIZE_MAX without a mark. */
static size_t above_mark(const struct machine *m)
{
    for (size_t i = m->depth; i > 0; i--)
        if (m->stack[i - 1] == 0)
            return i;
    return SIZE_MAX;
}

/* Moves the values from stack position `from` on into `container`. */
static lt_status move_items(struct machine *m, uint32_t container, size_t from)
{
    for (size_t i = from; i < m->depth; i++)
        if (!add_item(m, container, m->stack[i]))
            return out_of_memory(m);
    m->depth = from;
    return LT_OK;
}

static lt_status memo_put(struct machine *m, uint64_t index)
{
    uint32_t top = peek(m, 0);
    if (top == 0)
        return damaged(m, "it remembers a value that is not there");
    if (index > PICKLE_MAX_BYTES)
        return damaged(m, "it remembers too many values");
    uint32_t *memo = grown(m->memo, &m->memo_capacity, (size_t)index + 1, sizeof *memo);
    if (memo == NULL)
        return out_of_memory(m);
    m->memo = memo;
    m->memo[index] = top;
    if (index >= m->memo_next)
        m->memo_next = (size_t)index + 1;
    return LT_OK;
}

static lt_status memo_get(struct machine *m, uint64_t index)
{
    if (index >= m->memo_next || m->memo[index] == 0)
        return damaged(m, "it recalls a value that it never stored");
    return push(m, m->memo[index]);
}

/* ---- Arguments of opcodes ---------------------------------------------------------------------- */

/* An unsigned little-endian number of `size` bytes. */
static bool take_number(struct machine *m, size_t size, uint64_t *number)
{
    if ((size_t)(m->end - m->at) < size)
        return false;
    *number = 0;
    memcpy(number, m->at, size);
    m->at += size;
    return true;
}

/* A string whose length takes `size` bytes. */
static lt_status push_string(struct machine *m, size_t size)
{
    uint64_t length;
    if (!take_number(m, size, &length) || length > (uint64_t)(m->end - m->at))
        return damaged(m, "a string is cut off");
    uint32_t value = new_value(m, PICKLE_STRING);
    if (value == 0)
        return out_of_memory(m);
    m->pickle->values[value].text = (const char *)m->at;
    m->pickle->values[value].length = (size_t)length;
    m->at += length;
    return push(m, value);
}

/* A two's complement number whose length takes one byte. */
static lt_status push_long(struct machine *m)
{
    uint64_t size, number;
    if (!take_number(m, 1, &size) || size > 8 || !take_number(m, (size_t)size, &number))
        return damaged(m, "a number is cut off or too large");
    if (size > 0 && size < 8 && (number >> (8 * size - 1) & 1) != 0)
        number |= UINT64_MAX << (8 * size);
    return push_new(m, PICKLE_INTEGER, (int64_t)number);
}

/* Pushes the name `module.name`, if it is one that a state dict needs. */
static lt_status push_global(struct machine *m, const char *module, size_t module_length, const char *name,
                             size_t name_length)
{
    for (int i = 0; i < PICKLE_NAME_COUNT; i++) {
        if (strlen(names[i]) == module_length + 1 + name_length &&
            memcmp(names[i], module, module_length) == 0 && names[i][module_length] == '.' &&
            memcmp(names[i] + module_length + 1, name, name_length) == 0)
            return push_new(m, PICKLE_GLOBAL, i);
    }
    return error_set(
        m->error, LT_ERR_MODEL,
        "'%s' asks for the Python name '%.*s.%.*s', which no state dict needs: it is not a plain checkpoint, "
        "and nothing in it was run",
        m->what, (int)(module_length < 64 ? module_length : 64), module,
        (int)(name_length < 64 ? name_length : 64), name);
}

static lt_status do_global(struct machine *m)
{
    const unsigned char *module = m->at;
    const unsigned char *middle = memchr(module, '\n', (size_t)(m->end - module));
    const unsigned char *name = middle != NULL ? middle + 1 : m->end;
    const unsigned char *end = memchr(name, '\n', (size_t)(m->end - name));
    if (middle == NULL || end == NULL)
        return damaged(m, "a name is cut off");
    m->at = end + 1;
    return push_global(m, (const char *)module, (size_t)(middle - module), (const char *)name,
                       (size_t)(end - name));
}

static lt_status do_stack_global(struct machine *m)
{
    const struct pickle_value *name = pickle_value(m->pickle, peek(m, 0));
    const struct pickle_value *module = pickle_value(m->pickle, peek(m, 1));
    if (name->kind != PICKLE_STRING || module->kind != PICKLE_STRING)
        return damaged(m, "a name is no string");
    m->depth -= 2;
    return push_global(m, module->text, module->length, name->text, name->length);
}

/* ---- Containers -------------------------------------------------------------------------------- */

static lt_status push_tuple(struct machine *m, size_t from)
{
    if (from == SIZE_MAX || from > m->depth)
        return damaged(m, "a tuple has no beginning");
    for (size_t i = from; i < m->depth; i++)
        if (m->stack[i] == 0)
            return damaged(m, "a tuple holds a mark");
    uint32_t tuple = new_value(m, PICKLE_TUPLE);
    if (tuple == 0)
        return out_of_memory(m);
    lt_status status = move_items(m, tuple, from);
    return status == LT_OK ? push(m, tuple) : status;
}

/* TUPLE, LIST and DICT: what is above the mark becomes one value in the mark's place. */
static lt_status collect(struct machine *m, enum pickle_kind kind)
{
    size_t from = above_mark(m);
    if (from == SIZE_MAX || (kind == PICKLE_DICT && (m->depth - from) % 2 != 0))
        return damaged(m, "a container has no beginning");
    lt_status status = push_tuple(m, from);
    if (status != LT_OK)
        return status;
    m->pickle->values[peek(m, 0)].kind = kind;
    m->stack[m->depth - 2] = m->stack[m->depth - 1];
    m->depth--;
    return LT_OK;
}

/* APPEND(S) and SETITEM(S): moves the values from `from` on into the container below them; `mark` of them is
 * a mark. */
static lt_status extend(struct machine *m, enum pickle_kind kind, size_t from, size_t mark)
{
    if (from == SIZE_MAX || from > m->depth || from < mark + 1)
        return damaged(m, "items have no container");
    for (size_t i = from; i < m->depth; i++)
        if (m->stack[i] == 0)
            return damaged(m, "items hold a mark");
    uint32_t container = m->stack[from - mark - 1];
    if (container == 0 || m->pickle->values[container].kind != kind ||
        (kind == PICKLE_DICT && (m->depth - from) % 2 != 0))
        return damaged(m, "items do not fit their container");
    lt_status status = move_items(m, container, from);
    m->depth = from - mark;
    return status;
}

/* REDUCE and NEWOBJ: a name and a tuple of arguments become a recorded call; an OrderedDict an empty dict. */
static lt_status do_call(struct machine *m)
{
    uint32_t arguments = peek(m, 0), callee = peek(m, 1);
    const struct pickle_value *name = pickle_value(m->pickle, callee);
    if (arguments == 0 || callee == 0 || name->kind != PICKLE_GLOBAL ||
        pickle_value(m->pickle, arguments)->kind != PICKLE_TUPLE)
        return damaged(m, "it calls what is no name");
    if (pickle_value(m->pickle, arguments)->count > 16)
        return damaged(m, "a call has too many arguments");
    bool dict = name->integer == PICKLE_ORDERED_DICT;
    if (dict && pickle_value(m->pickle, arguments)->count != 0)
        return damaged(m, "an OrderedDict has arguments");
    if (!dict && name->integer != PICKLE_REBUILD_TENSOR && name->integer != PICKLE_REBUILD_PARAMETER)
        return damaged(m, "it calls a storage type");
    m->depth -= 2;
    uint32_t call = new_value(m, dict ? PICKLE_DICT : PICKLE_CALL);
    if (call == 0)
        return out_of_memory(m);
    if (dict)
        return push(m, call);
    if (!add_item(m, call, callee))
        return out_of_memory(m);
    /* the call takes over a copy of the list of arguments: the tuple may be shared */
    uint32_t item = pickle_value(m->pickle, arguments)->first;
    while (item != 0) {
        struct pickle_item argument = m->pickle->items[item];
        if (!add_item(m, call, argument.value))
            return out_of_memory(m);
        item = argument.next;
    }
    return push(m, call);
}

/* BUILD: sets an object's state. State dicts only attach their `_metadata` so; it says nothing about tensors.
 */
static lt_status do_build(struct machine *m)
{
    if (peek(m, 0) == 0 || pickle_value(m->pickle, peek(m, 1))->kind != PICKLE_DICT)
        return damaged(m, "it sets the state of what is no OrderedDict");
    m->depth--;
    return LT_OK;
}

static lt_status do_persistent(struct machine *m)
{
    uint32_t identifier = peek(m, 0);
    if (identifier == 0)
        return damaged(m, "a storage has no name");
    m->depth--;
    uint32_t value = new_value(m, PICKLE_PERSISTENT);
    if (value == 0 || !add_item(m, value, identifier))
        return out_of_memory(m);
    return push(m, value);
}

/* ---- The machine ------------------------------------------------------------------------------- */

/* Opcodes that push a simple value. */
static lt_status do_value(struct machine *m, unsigned char op)
{
    uint64_t number;
    switch (op) {
    case OP_NONE:
        return push_new(m, PICKLE_NONE, 0);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push_new(m, PICKLE_BOOL, op == OP_NEWTRUE);
    case OP_BININT:
        return take_number(m, 4, &number) ? push_new(m, PICKLE_INTEGER, (int32_t)(uint32_t)number)
                                          : damaged(m, "a number is cut off");
    case OP_BININT1:
    case OP_BININT2:
        return take_number(m, op == OP_BININT1 ? 1 : 2, &number)
                   ? push_new(m, PICKLE_INTEGER, (int64_t)number)
                   : damaged(m, "a number is cut off");
    case OP_LONG1:
        return push_long(m);
    case OP_BINFLOAT:
        return take_number(m, 8, &number) ? push_new(m, PICKLE_FLOAT, 0) : damaged(m, "a number is cut off");
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINBYTES:
        return push_string(m, 1);
    case OP_BINUNICODE:
    case OP_BINSTRING:
    case OP_BINBYTES:
        return push_string(m, 4);
    case OP_BINUNICODE8:
    case OP_BINBYTES8:
        return push_string(m, 8);
    case OP_EMPTY_TUPLE:
        return push_new(m, PICKLE_TUPLE, 0);
    case OP_EMPTY_LIST:
        return push_new(m, PICKLE_LIST, 0);
    case OP_EMPTY_DICT:
        return push_new(m, PICKLE_DICT, 0);
    case OP_GLOBAL:
        return do_global(m);
    case OP_STACK_GLOBAL:
        return do_stack_global(m);
    default:
        return error_set(m->error, LT_ERR_MODEL,
                         "'%s' holds a pickle with opcode 0x%02x, which no state dict needs", m->what, op);
    }
}

/* Opcodes that arrange what is on the stack. */
static lt_status do_step(struct machine *m, unsigned char op)
{
    uint64_t number;
    switch (op) {
    case OP_PROTO:
        return take_number(m, 1, &number) && number >= 2 && number <= 5
                   ? LT_OK
                   : damaged(m, "its protocol is not 2 to 5");
    case OP_FRAME:
        return take_number(m, 8, &number) ? LT_OK : damaged(m, "a frame is cut off");
    case OP_MARK:
        return push(m, 0);
    case OP_POP:
        return m->depth > 0 ? (m->depth--, LT_OK) : damaged(m, "it drops a value that is not there");
    case OP_POP_MARK:
        number = above_mark(m);
        return number != SIZE_MAX ? (m->depth = (size_t)number - 1, LT_OK)
                                  : damaged(m, "it drops a mark that is not there");
    case OP_DUP:
        return peek(m, 0) != 0 ? push(m, peek(m, 0)) : damaged(m, "it doubles a value that is not there");
    case OP_TUPLE:
        return collect(m, PICKLE_TUPLE);
    case OP_LIST:
        return collect(m, PICKLE_LIST);
    case OP_DICT:
        return collect(m, PICKLE_DICT);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        number = (uint64_t)op - OP_TUPLE1 + 1;
        return push_tuple(m, m->depth >= number ? m->depth - (size_t)number : SIZE_MAX);
    case OP_APPEND:
        return extend(m, PICKLE_LIST, m->depth >= 1 ? m->depth - 1 : SIZE_MAX, 0);
    case OP_APPENDS:
        return extend(m, PICKLE_LIST, above_mark(m), 1);
    case OP_SETITEM:
        return extend(m, PICKLE_DICT, m->depth >= 2 ? m->depth - 2 : SIZE_MAX, 0);
    case OP_SETITEMS:
        return extend(m, PICKLE_DICT, above_mark(m), 1);
    case OP_REDUCE:
    case OP_NEWOBJ:
        return do_call(m);
    case OP_BUILD:
        return do_build(m);
    case OP_BINPERSID:
        return do_persistent(m);
    case OP_BINPUT:
    case OP_LONG_BINPUT:
        return take_number(m, op == OP_BINPUT ? 1 : 4, &number) ? memo_put(m, number)
                                                                : damaged(m, "it is cut off");
    case OP_MEMOIZE:
        return memo_put(m, m->memo_next);
    case OP_BINGET:
    case OP_LONG_BINGET:
        return take_number(m, op == OP_BINGET ? 1 : 4, &number) ? memo_get(m, number)
                                                                : damaged(m, "it is cut off");
    default:
        return do_value(m, op);
    }
}

lt_status pickle_read(const unsigned char *bytes, size_t size, const char *what, struct pickle *pickle,
                      lt_error *error)
{
    *pickle = (struct pickle){0};
    struct machine m = {
        .pickle = pickle, .begin = bytes, .at = bytes, .end = bytes + size, .what = what, .error = error};
    lt_status status = LT_OK;
    if (size > PICKLE_MAX_BYTES)
        status =
            error_set(error, LT_ERR_MODEL,
                      "'%s' has a table of contents of %zu bytes: that is no Kokoro checkpoint", what, size);
    /* number 0 stands for a mark, and item 0 for the end of a list */
    if (status == LT_OK) {
        pickle->items = grown(NULL, &pickle->item_capacity, 1, sizeof *pickle->items);
        pickle->item_count = 1;
        new_value(&m, PICKLE_NONE);
        if (pickle->items == NULL || pickle->values == NULL)
            status = out_of_memory(&m);
    }
    while (status == LT_OK) {
        if (m.at == m.end) {
            status = damaged(&m, "it has no end");
            break;
        }
        unsigned char op = *m.at++;
        if (op == OP_STOP) {
            pickle->root = peek(&m, 0);
            if (pickle->root == 0)
                status = damaged(&m, "it is empty");
            break;
        }
        status = do_step(&m, op);
    }
    free(m.stack);
    free(m.memo);
    return status;
}

void pickle_free(struct pickle *pickle)
{
    free(pickle->values);
    free(pickle->items);
    *pickle = (struct pickle){0};
}

const struct pickle_value *pickle_value(const struct pickle *pickle, uint32_t number)
{
    return &pickle->values[number];
}

const struct pickle_value *pickle_item(const struct pickle *pickle, uint32_t *item)
{
    struct pickle_item found = pickle->items[*item];
    *item = found.next;
    return pickle_value(pickle, found.value);
}
