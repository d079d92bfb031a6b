// snapshot.c is what a snapshot of the memory needs: nothing of one machine in
// it, and as little as possible written after it.
#include "snapshot.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>
#include <wasi/libc.h>

// From the first moment on: libc asks for the environment when it is initialized.
int graflow_world_frozen = 1;

// 2025-01-01T00:00:00Z, in nanoseconds. The other clocks stand at 0, before any
// time that they have later.
static const uint64_t frozen_time = 1735689600ull * 1000000000ull;

// The linker sends all calls of a function of WASI that is named here to its
// __wrap_ (--wrap, see build.sh).
#define WORLD(name, parameters, arguments, answer)           \
    __wasi_errno_t __real___wasi_##name parameters;          \
    __wasi_errno_t __wrap___wasi_##name parameters {         \
        if (!graflow_world_frozen) return __real___wasi_##name arguments; \
        answer;                                              \
        return __WASI_ERRNO_SUCCESS;                         \
    }

WORLD(random_get, (uint8_t *buffer, __wasi_size_t length), (buffer, length),
      memset(buffer, 0x5a, length))
WORLD(clock_time_get, (__wasi_clockid_t clock, __wasi_timestamp_t precision, __wasi_timestamp_t *time),
      (clock, precision, time), *time = clock == __WASI_CLOCKID_REALTIME ? frozen_time : 0)
WORLD(clock_res_get, (__wasi_clockid_t clock, __wasi_timestamp_t *resolution), (clock, resolution),
      *resolution = 1)
WORLD(environ_sizes_get, (__wasi_size_t *count, __wasi_size_t *size), (count, size), *count = *size = 0)
WORLD(environ_get, (uint8_t **at, uint8_t *buffer), (at, buffer), )
WORLD(poll_oneoff, (const __wasi_subscription_t *in, __wasi_event_t *out, __wasi_size_t count, __wasi_size_t *events),
      (in, out, count, events), *events = 0)
WORLD(fd_seek, (__wasi_fd_t fd, __wasi_filedelta_t offset, __wasi_whence_t whence, __wasi_filesize_t *at),
      (fd, offset, whence, at), return __WASI_ERRNO_SPIPE)
WORLD(fd_prestat_get, (__wasi_fd_t fd, __wasi_prestat_t *prestat), (fd, prestat), return __WASI_ERRNO_BADF)
WORLD(fd_filestat_get, (__wasi_fd_t fd, __wasi_filestat_t *stat), (fd, stat), {
    if (fd > 2) return __WASI_ERRNO_BADF;
    memset(stat, 0, sizeof *stat);
    stat->filetype = __WASI_FILETYPE_CHARACTER_DEVICE;
})
// With the right to seek it is no terminal.
WORLD(fd_fdstat_get, (__wasi_fd_t fd, __wasi_fdstat_t *stat), (fd, stat), {
    if (fd > 2) return __WASI_ERRNO_BADF;
    memset(stat, 0, sizeof *stat);
    stat->fs_filetype = __WASI_FILETYPE_CHARACTER_DEVICE;
    stat->fs_rights_base = ~0ull;
})

void __wasilibc_reset_preopens(void);

void graflow_thaw(void) {
    graflow_world_frozen = 0;
    __wasilibc_reset_preopens();
}

static int add_variable(PyObject *dict, const char *pair) {
    const char *equals = strchr(pair, '=');
    if (equals == NULL) return 0;
    PyObject *key = PyBytes_FromStringAndSize(pair, equals - pair);
    PyObject *value = PyBytes_FromString(equals + 1);
    int failed = key == NULL || value == NULL || PyDict_SetItem(dict, key, value) < 0;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return failed;
}

// libc's copy is not used: it is from the time before the snapshot.
PyObject *graflow_environ(PyObject *self, PyObject *none) {
    __wasi_size_t count = 0, size = 0;
    PyObject *dict = PyDict_New();
    if (dict == NULL || __wasi_environ_sizes_get(&count, &size) != 0 || count == 0) return dict;
    uint8_t **pairs = PyMem_Malloc(count * sizeof *pairs + size);
    if (pairs == NULL) {
        Py_DECREF(dict);
        return PyErr_NoMemory();
    }
    if (__wasi_environ_get(pairs, (uint8_t *)(pairs + count)) == 0)
        for (__wasi_size_t i = 0; i < count && dict != NULL; i++)
            if (add_variable(dict, (const char *)pairs[i])) Py_CLEAR(dict);
    PyMem_Free(pairs);
    return dict;
}

static int immortalize(PyObject *object, void *unused) {
    if (_Py_IsImmortal(object)) return 0;
    Py_SET_REFCNT(object, _Py_IMMORTAL_REFCNT);
    // What the collector does not track is found through what refers to it.
    traverseproc traverse = Py_TYPE(object)->tp_traverse;
    if (traverse != NULL) traverse(object, immortalize, NULL);
    return 0;
}

void graflow_immortalize(void) {
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *objects = gc == NULL ? NULL : PyObject_CallMethod(gc, "get_objects", NULL);
    if (objects == NULL) {
        PyErr_Clear();
        return;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(objects); i++)
        immortalize(PyList_GET_ITEM(objects, i), NULL);
    PyErr_Clear();
}
