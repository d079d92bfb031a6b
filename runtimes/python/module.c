// module.c is the built-in module _graflow: the functions of the host, as they
// are. Texts are str or bytes. Functions that answer with bytes return bytes, or
// the negative code as an int; the others return the code. What they mean is in
// docs/abi.md; the Python package graflow makes an interface of them.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "host.h"
#include "snapshot.h"
#include "values.h"

// reply fetches the bytes of the host's last answer.
static PyObject *reply(int64_t length) {
    if (length < 0) return PyLong_FromLongLong(length);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (bytes != NULL) host_reply_read(PyBytes_AS_STRING(bytes), (size_t)length);
    return bytes;
}

// A function of no, one or two texts that answers with bytes or a code.
#define REPLY_0(name) \
    static PyObject *call_##name(PyObject *self, PyObject *none) { return reply(host_##name()); }
#define REPLY_1(name)                                                \
    static PyObject *call_##name(PyObject *self, PyObject *args) {   \
        text a;                                                      \
        Py_ssize_t n;                                                \
        if (!PyArg_ParseTuple(args, "s#:" #name, &a, &n)) return NULL; \
        return reply(host_##name(a, (size_t)n));                     \
    }
#define CODE_1(name)                                                 \
    static PyObject *call_##name(PyObject *self, PyObject *args) {   \
        text a;                                                      \
        Py_ssize_t n;                                                \
        if (!PyArg_ParseTuple(args, "s#:" #name, &a, &n)) return NULL; \
        return PyLong_FromLong(host_##name(a, (size_t)n));           \
    }
#define TWO_TEXTS(name, convert)                                     \
    static PyObject *call_##name(PyObject *self, PyObject *args) {   \
        text a, b;                                                   \
        Py_ssize_t n, m;                                             \
        if (!PyArg_ParseTuple(args, "s#s#:" #name, &a, &n, &b, &m)) return NULL; \
        return convert(host_##name(a, (size_t)n, b, (size_t)m));     \
    }
#define CODE_2(name) TWO_TEXTS(name, PyLong_FromLong)
#define REPLY_2(name) TWO_TEXTS(name, reply)

REPLY_0(meta)
REPLY_1(result_get)
REPLY_1(channel_get)
REPLY_1(channel_keys)
REPLY_1(pause)
REPLY_1(secret_get)
REPLY_1(http_request)
REPLY_1(tool_calls)
REPLY_2(tool_call)
CODE_1(output_write)
CODE_1(channel_delete)
CODE_1(next_task)
CODE_1(next_iteration)
CODE_1(terminate)
CODE_1(cancel)
CODE_1(checkpoint)
CODE_2(checkpoint_as)
CODE_2(channel_set)
CODE_2(channel_append)
CODE_2(channel_prepend)
CODE_2(channel_add)

static PyObject *call_input_read(PyObject *self, PyObject *none) {
    int32_t length = host_input_len();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, length);
    if (bytes != NULL) host_input_read(PyBytes_AS_STRING(bytes), (size_t)length);
    return bytes;
}

static PyObject *call_fail(PyObject *self, PyObject *args) {
    text kind, message;
    Py_ssize_t n, m;
    long long flags;
    if (!PyArg_ParseTuple(args, "s#s#L:fail", &kind, &n, &message, &m, &flags)) return NULL;
    host_fail(kind, (size_t)n, message, (size_t)m, flags);
    Py_RETURN_NONE;
}

static PyObject *call_log(PyObject *self, PyObject *args) {
    int level;
    text line;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "is#:log", &level, &line, &n)) return NULL;
    host_log(level, line, (size_t)n);
    Py_RETURN_NONE;
}

static PyObject *call_progress(PyObject *self, PyObject *args) {
    double done, total;
    text note;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "dds#:progress", &done, &total, &note, &n)) return NULL;
    host_progress(done, total, note, (size_t)n);
    Py_RETURN_NONE;
}

#define ENTRY(name) {#name, call_##name, METH_VARARGS, NULL}
#define ENTRY_0(name) {#name, call_##name, METH_NOARGS, NULL}

static PyMethodDef methods[] = {
    ENTRY_0(input_read),    ENTRY(output_write),   ENTRY(fail),
    ENTRY(log),             ENTRY(progress),       ENTRY_0(meta),
    ENTRY(result_get),      ENTRY(channel_get),    ENTRY(channel_set),
    ENTRY(channel_delete),  ENTRY(channel_append), ENTRY(channel_prepend),
    ENTRY(channel_add),     ENTRY(channel_keys),   ENTRY(next_task),
    ENTRY(next_iteration),  ENTRY(terminate),      ENTRY(cancel),
    ENTRY(checkpoint),      ENTRY(checkpoint_as),  ENTRY(pause),
    ENTRY(secret_get),      ENTRY(http_request),   ENTRY(tool_call),
    ENTRY(tool_calls),
    {"plain_json", graflow_plain_json, METH_O, NULL},
    {"environ", graflow_environ, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_graflow", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyObject *PyInit__graflow(void) { return PyModule_Create(&definition); }
