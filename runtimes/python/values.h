#ifndef GRAFLOW_VALUES_H
#define GRAFLOW_VALUES_H

#include <Python.h>

// graflow_plain_json(value) is what json.dumps writes, as bytes, of what it writes as
// it is to be written; else None. That is None, bool, int of 64 bits, finite float,
// str, list, tuple and dict with keys of type str, of exactly these types, nested 200
// deep at most.
PyObject *graflow_plain_json(PyObject *self, PyObject *value);

#endif
