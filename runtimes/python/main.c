// main.c is the module's face: the exports of a graflow v1 reactor.
#include <Python.h>

#include "frozen.h"
#include "host.h"
#include "memory.h"
#include "snapshot.h"

#define EXPORT(name) __attribute__((export_name(#name)))

PyObject *PyInit__graflow(void);

static const char broken[] = "the interpreter did not start";

// The functions of the Python package graflow that are called from here.
static PyObject *run_function;
static int started;

static void fail(const char *message) {
    static const char kind[] = "runtime";
    host_fail(kind, sizeof kind - 1, message, strlen(message), 1);
}

static int configure(void) {
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    if (PyStatus_Exception(Py_PreInitialize(&before))) return -1;

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.install_signal_handlers = 0;
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    config.pathconfig_warnings = 0;
    config.module_search_paths_set = 1;
    config.write_bytecode = 0;
    config.use_frozen_modules = 1;
    config.buffered_stdio = 1;
    PyStatus status = PyConfig_SetString(&config, &config.program_name, L"python");
    if (!PyStatus_Exception(status)) status = PyConfig_SetString(&config, &config.executable, L"");
    if (!PyStatus_Exception(status)) status = PyConfig_SetString(&config, &config.home, L"/usr/local");
    // With it frozen modules have a __file__, though there is no such file.
    if (!PyStatus_Exception(status))
        status = PyConfig_SetString(&config, &config.stdlib_dir, L"/usr/local/lib/python3.13");
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (!PyStatus_Exception(status)) return 0;
    if (status.err_msg != NULL) host_log(8, status.err_msg, strlen(status.err_msg));
    return -1;
}

// start brings the interpreter to where code can run, once.
static int start(void) {
    if (started) return run_function == NULL ? -1 : 0;
    started = 1;
    graflow_guard_memory();
    PyImport_FrozenModules = graflow_frozen;
    PyImport_AppendInittab("_graflow", PyInit__graflow);
    if (configure() == 0) {
        PyObject *module = PyImport_ImportModule("graflow._start");
        if (module != NULL) run_function = PyObject_GetAttrString(module, "run");
        if (run_function == NULL) PyErr_Print();
    }
    return run_function == NULL ? -1 : 0;
}

EXPORT(graflow_warmup) void graflow_warmup(void) {
    if (start() < 0) return;
    PyObject *module = PyImport_ImportModule("graflow._start");
    PyObject *done = module == NULL ? NULL : PyObject_CallMethod(module, "warm_up", NULL);
    if (done == NULL) PyErr_Print();
    Py_XDECREF(done);
    Py_XDECREF(module);
    graflow_immortalize();
    graflow_reserve_memory();
}

EXPORT(graflow_describe) int graflow_describe(void) {
    static const char document[] =
        "{\"tasks\":[{\"name\":\"run\",\"doc\":\"Runs Python source.\","
        "\"input\":{\"type\":\"object\",\"required\":[\"code\"],\"properties\":{"
        "\"code\":{\"type\":\"string\"},\"file\":{\"type\":\"string\"},\"input\":{},"
        "\"meta\":{\"type\":\"object\"},\"tools\":{\"type\":\"array\"},"
        "\"path\":{\"type\":\"array\"},\"keep\":{\"type\":\"boolean\"},\"argv\":{\"type\":\"array\"}}},"
        "\"output\":{\"type\":\"object\"}}]}";
    host_output_write(document, sizeof document - 1);
    return 0;
}

// give_up answers for a prelude that has failed, most likely for want of memory.
static int give_up(void) {
    static const char document[] =
        "{\"error\":{\"kind\":\"memory\",\"type\":\"MemoryError\",\"message\":\"out of memory\","
        "\"file\":\"\",\"line\":0,\"column\":0,\"traceback\":\"\"}}";
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
        host_output_write(document, sizeof document - 1);
        return 0;
    }
    PyErr_Print();
    fail("the interpreter could not go on; its last words are in the log");
    return 1;
}

EXPORT(run) int run(void) {
    if (start() < 0) {
        fail(broken);
        return 1;
    }
    graflow_thaw();
    graflow_reserve_memory();
    PyObject *result = PyObject_CallNoArgs(run_function);
    if (result == NULL) return give_up();
    int code = (int)PyLong_AsLong(result);
    Py_DECREF(result);
    return code;
}
