#ifndef GRAFLOW_VALUES_H
#define GRAFLOW_VALUES_H

#include <Python.h>

// graflow_is_plain(value) tells whether json.dumps writes value as it is to be
// written: None, bool, int of 64 bits, finite float, str, list, tuple and dict
// with keys of type str, of exactly these types, nested 200 deep at most.
PyObject *graflow_is_plain(PyObject *self, PyObject *value);

#endif
