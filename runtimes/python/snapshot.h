#ifndef GRAFLOW_SNAPSHOT_H
#define GRAFLOW_SNAPSHOT_H

#include <Python.h>

// graflow_world_frozen, true at first, has the world answer with constants: clocks,
// randomness, environment and descriptors. What is kept from them would be in the
// snapshot of every machine, and the host makes none of a guest that asked.
extern int graflow_world_frozen;

// graflow_immortalize makes all objects there are immortal: they are never freed,
// and their reference counts never written, so that running code dirties fewer
// pages of the snapshot.
void graflow_immortalize(void);

// graflow_thaw ends that, and has libc look for directories anew.
void graflow_thaw(void);

// graflow_environ() is the environment as it is now, a dict of bytes.
PyObject *graflow_environ(PyObject *self, PyObject *none);

#endif
