// memory.c is where objects get their memory from, and what happens when there is
// none.
#include "memory.h"

#include <Python.h>
#include <stdlib.h>

// After a refusal so many small objects do with what malloc still has, before it is
// asked for an arena again. Each refusal goes to the host, three times, and without
// this code that fills its memory with small objects would take seconds to do so.
enum { PATIENCE = 1000 };

// What is set aside. The evaluation loop of Python 3.13 needs a little memory to
// enter some handlers of exceptions, and tries for ever if there is none.
enum { RESERVE = 128 << 10, SMALL = 4096 };

static int patience;
static void *reserve;
static PyMemAllocatorEx raw;

static void *take_arena(void *context, size_t size) {
    if (patience > 0) {
        patience--;
        return NULL;
    }
    void *arena = malloc(size);
    if (arena == NULL) patience = PATIENCE;
    return arena;
}

static void give_arena(void *context, void *arena, size_t size) {
    patience = 0;
    free(arena);
}

// given answers an allocation. The first of few bytes that fails does so with the
// reserve given back, for what its MemoryError leads to.
static void *given(void *memory, size_t size) {
    if (memory == NULL && size <= SMALL && reserve != NULL) {
        free(reserve);
        reserve = NULL;
        patience = PATIENCE;
    }
    return memory;
}

static void *raw_malloc(void *context, size_t size) {
    return given(raw.malloc(raw.ctx, size), size);
}

static void *raw_calloc(void *context, size_t count, size_t size) {
    return given(raw.calloc(raw.ctx, count, size), count > SMALL ? count : count * size);
}

static void *raw_realloc(void *context, void *old, size_t size) {
    return given(raw.realloc(raw.ctx, old, size), size);
}

static void raw_free(void *context, void *memory) { raw.free(raw.ctx, memory); }

void graflow_guard_memory(void) {
    PyObjectArenaAllocator arenas = {NULL, take_arena, give_arena};
    PyObject_SetArenaAllocator(&arenas);
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw);
    PyMemAllocatorEx guarded = {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free};
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &guarded);
}

void graflow_reserve_memory(void) {
    if (reserve == NULL) reserve = malloc(RESERVE);
}
