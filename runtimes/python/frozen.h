#ifndef GRAFLOW_FROZEN_H
#define GRAFLOW_FROZEN_H

#include <Python.h>

// graflow_frozen lists the modules inside of this one: the standard library and
// the package graflow. freeze.py writes it.
extern const struct _frozen graflow_frozen[];

#endif
