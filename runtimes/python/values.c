// values.c is the fast path of results: most are plain, and need no conversion.
#include "values.h"

#include <math.h>

enum { deepest = 200 };

static int plain(PyObject *value, int depth);

static int plain_items(PyObject **items, Py_ssize_t n, int depth) {
    for (Py_ssize_t i = 0; i < n; i++)
        if (!plain(items[i], depth)) return 0;
    return 1;
}

static int plain_dict(PyObject *dict, int depth) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value))
        if (!PyUnicode_CheckExact(key) || !plain(value, depth)) return 0;
    return 1;
}

static int plain_int(PyObject *value) {
    int overflow;
    PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0;
}

static int plain(PyObject *value, int depth) {
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type || type == &PyBool_Type || value == Py_None) return 1;
    if (type == &PyLong_Type) return plain_int(value);
    if (type == &PyFloat_Type) return isfinite(PyFloat_AS_DOUBLE(value));
    if (depth == deepest) return 0;
    if (type == &PyDict_Type) return plain_dict(value, depth + 1);
    if (type == &PyList_Type)
        return plain_items(((PyListObject *)value)->ob_item, PyList_GET_SIZE(value), depth + 1);
    if (type == &PyTuple_Type)
        return plain_items(((PyTupleObject *)value)->ob_item, PyTuple_GET_SIZE(value), depth + 1);
    return 0;
}

PyObject *graflow_is_plain(PyObject *self, PyObject *value) {
    return PyBool_FromLong(plain(value, 0));
}
