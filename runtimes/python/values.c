// values.c writes the values that most are: plain ones, which need no conversion.
#include "values.h"

#include <math.h>
#include <string.h>

enum { deepest = 200 };

// A document in the making. Its memory is Python's.
typedef struct {
    char *at;
    size_t size, room;
} document;

// What a value came to. With failed an exception is set.
typedef enum { written, not_plain, failed } outcome;

static outcome put_value(document *d, PyObject *value, int depth);

static outcome put(document *d, const char *text, size_t n) {
    if (d->room - d->size < n) {
        size_t room = (d->size + n) * 2;
        char *more = PyMem_Realloc(d->at, room);
        if (more == NULL) {
            PyErr_NoMemory();
            return failed;
        }
        d->at = more;
        d->room = room;
    }
    memcpy(d->at + d->size, text, n);
    d->size += n;
    return written;
}

static outcome put_escaped(document *d, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    char text[] = "\\u00..";
    switch (c) {
    case '"': return put(d, "\\\"", 2);
    case '\\': return put(d, "\\\\", 2);
    case '\n': return put(d, "\\n", 2);
    case '\r': return put(d, "\\r", 2);
    case '\t': return put(d, "\\t", 2);
    case '\f': return put(d, "\\f", 2);
    case '\b': return put(d, "\\b", 2);
    }
    text[4] = hex[c >> 4];
    text[5] = hex[c & 15];
    return put(d, text, 6);
}

// put_quoted writes UTF-8 in runs of what needs no escape.
static outcome put_quoted(document *d, const char *text, size_t n) {
    size_t start = 0;
    outcome o = put(d, "\"", 1);
    for (size_t i = 0; i < n && o == written; i++) {
        unsigned char c = text[i];
        if (c >= ' ' && c != '"' && c != '\\') continue;
        if ((o = put(d, text + start, i - start)) == written) o = put_escaped(d, c);
        start = i + 1;
    }
    if (o == written) o = put(d, text + start, n - start);
    return o == written ? put(d, "\"", 1) : o;
}

static outcome put_text(document *d, PyObject *value) {
    if (PyUnicode_IS_COMPACT_ASCII(value))
        return put_quoted(d, PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value));
    PyObject *bytes = PyUnicode_AsUTF8String(value);
    if (bytes == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return failed;
        PyErr_Clear();
        return not_plain;  // a lone surrogate
    }
    outcome o = put_quoted(d, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return o;
}

static outcome put_int(document *d, PyObject *value) {
    char digits[20];
    int overflow, at = sizeof digits;
    long long n = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) return not_plain;
    unsigned long long rest = n < 0 ? -(unsigned long long)n : (unsigned long long)n;
    do digits[--at] = '0' + rest % 10; while (rest /= 10);
    if (n < 0) digits[--at] = '-';
    return put(d, digits + at, sizeof digits - at);
}

static outcome put_float(document *d, PyObject *value) {
    double f = PyFloat_AS_DOUBLE(value);
    if (!isfinite(f)) return not_plain;
    char *text = PyOS_double_to_string(f, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) return failed;
    outcome o = put(d, text, strlen(text));
    PyMem_Free(text);
    return o;
}

static outcome put_items(document *d, PyObject **items, Py_ssize_t n, int depth) {
    outcome o = put(d, "[", 1);
    for (Py_ssize_t i = 0; i < n && o == written; i++) {
        if (i > 0) o = put(d, ",", 1);
        if (o == written) o = put_value(d, items[i], depth);
    }
    return o == written ? put(d, "]", 1) : o;
}

static outcome put_dict(document *d, PyObject *dict, int depth) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int first = 1;
    outcome o = put(d, "{", 1);
    while (o == written && PyDict_Next(dict, &at, &key, &value)) {
        if (!PyUnicode_CheckExact(key)) return not_plain;
        if (!first) o = put(d, ",", 1);
        first = 0;
        if (o == written) o = put_text(d, key);
        if (o == written) o = put(d, ":", 1);
        if (o == written) o = put_value(d, value, depth);
    }
    return o == written ? put(d, "}", 1) : o;
}

static outcome put_value(document *d, PyObject *value, int depth) {
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type) return put_text(d, value);
    if (type == &PyLong_Type) return put_int(d, value);
    if (value == Py_None) return put(d, "null", 4);
    if (value == Py_True) return put(d, "true", 4);
    if (value == Py_False) return put(d, "false", 5);
    if (type == &PyFloat_Type) return put_float(d, value);
    if (depth == deepest) return not_plain;
    if (type == &PyDict_Type) return put_dict(d, value, depth + 1);
    if (type == &PyList_Type)
        return put_items(d, ((PyListObject *)value)->ob_item, PyList_GET_SIZE(value), depth + 1);
    if (type == &PyTuple_Type)
        return put_items(d, ((PyTupleObject *)value)->ob_item, PyTuple_GET_SIZE(value), depth + 1);
    return not_plain;
}

// plain_json(value) is the document of a plain value, bytes; None if it is not plain. No
// code of the user runs meanwhile: values are of exactly the built-in types.
PyObject *graflow_plain_json(PyObject *self, PyObject *value) {
    document d = {NULL, 0, 0};
    PyObject *bytes = NULL;
    switch (put_value(&d, value, 0)) {
    case written: bytes = PyBytes_FromStringAndSize(d.at, (Py_ssize_t)d.size); break;
    case not_plain: bytes = Py_NewRef(Py_None); break;
    case failed: break;
    }
    PyMem_Free(d.at);
    return bytes;
}
