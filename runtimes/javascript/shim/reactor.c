/* The exports: _initialize (of wasi-libc), graflow_warmup, graflow_describe, run, erase.
   The engine is included whole, so that the shim can look into it. */

#include "quickjs.c"
#undef malloc
#undef free
#undef realloc
#include "host.h"
#include "memory.c"
#include "values_write.c"
#include "values_read.c"
#include "host_calls.c"
#include "host_io.c"
#include "host_engine.c"
#include "host_files.c"
#include "host_promises.c"
#include "host_scan.c"
#include "host_table.c"

extern const char prelude_js[], prelude_js_end[];
__asm__(".section .rodata.prelude,\"\",@\n"
        ".globl prelude_js\n.type prelude_js,@object\nprelude_js:\n.incbin \"prelude.js\"\n.byte 0\n"
        ".globl prelude_js_end\n.type prelude_js_end,@object\nprelude_js_end:\n.byte 0\n"
        ".size prelude_js, prelude_js_end-prelude_js\n.size prelude_js_end, 1\n");

#define STACK_SPARE (64 << 10)   /* of the linear stack, for C that does not look */
#define RESERVE     (256 << 10)  /* freed when memory ends, so that it can be told */

static JSRuntime *runtime;
static JSContext *context;
static JSValue run_function, erase_function, warm_function;
static void *reserve;

static const char out_of_memory[] =
    "{\"error\":{\"kind\":\"memory\",\"type\":\"InternalError\",\"message\":\"out of memory\"}}";

static int broken(const char *message)
{
    host_fail("error", 5, message, strlen(message), 0);
    return 1;
}

/* load_prelude evaluates the prelude, a function of host that answers with {run, erase, warm}. */
static int load_prelude(JSContext *ctx)
{
    JSValue host = JS_NewObject(ctx), global = JS_GetGlobalObject(ctx), prelude, made;
    JS_SetPropertyFunctionList(ctx, host, host_functions, countof(host_functions));
    prelude_name = JS_NewAtom(ctx, "graflow:prelude");
    date_constructor = JS_GetPropertyStr(ctx, global, "Date");
    JS_FreeValue(ctx, js_host_completion(ctx, JS_UNDEFINED, 0, NULL)); /* makes the variable */
    JS_FreeValue(ctx, global);
    JS_SetStripInfo(runtime, JS_STRIP_SOURCE);
    prelude = JS_Eval(ctx, prelude_js, prelude_js_end - prelude_js - 1, "graflow:prelude", JS_EVAL_TYPE_GLOBAL);
    JS_SetStripInfo(runtime, 0);
    if (JS_IsException(prelude))
        return -1;
    made = JS_Call(ctx, prelude, JS_UNDEFINED, 1, (JSValueConst *)&host);
    if (JS_IsException(made))
        return -1;
    run_function = JS_GetPropertyStr(ctx, made, "run");
    erase_function = JS_GetPropertyStr(ctx, made, "erase");
    warm_function = JS_GetPropertyStr(ctx, made, "warm");
    return 0;
}

static int start(void)
{
    if (runtime)
        return 0;
    runtime = JS_NewRuntime2(&engine_memory, NULL);
    if (!runtime)
        return -1;
    JS_SetMaxStackSize(runtime, STACK_BYTES - STACK_SPARE);
    context = JS_NewContext(runtime);
    if (!context)
        return -1;
    context->random_state = 1; /* until run seeds it: what is left must not depend on the clock */
    JS_SetHostPromiseRejectionTracker(runtime, note_rejection, NULL);
    JS_SetModuleLoaderFunc(runtime, normalize_module, load_module, NULL);
    reserve = malloc(RESERVE);
    return load_prelude(context);
}

/* say prints the pending exception: only what the prelude itself did wrong. */
static void say_exception(JSContext *ctx)
{
    JSValue e = JS_GetException(ctx), stack = JS_GetPropertyStr(ctx, e, "stack");
    const char *s = JS_ToCString(ctx, e), *t = JS_ToCString(ctx, stack);
    fprintf(stderr, "%s\n%s\n", s ? s : "?", t ? t : "");
}

/* freeze takes all objects there are out of the collector's sight, so that collecting
   does not write to their pages. They refer to each other and are never freed. */
static void freeze(void)
{
    static struct list_head frozen;
    JS_RunGC(runtime);
    forget_freed();
    init_list_head(&frozen);
    if (list_empty(&runtime->gc_obj_list))
        return;
    frozen = runtime->gc_obj_list;
    frozen.next->prev = &frozen;
    frozen.prev->next = &frozen;
    init_list_head(&runtime->gc_obj_list);
}

TASK(graflow_warmup) void warmup(void)
{
    JSValue v;
    if (start()) {
        if (context)
            say_exception(context);
        return;
    }
    v = JS_Call(context, warm_function, JS_UNDEFINED, 0, NULL);
    if (JS_IsException(v))
        say_exception(context);
    JS_FreeValue(context, v);
    context->random_state = 1;
    freeze();
}

TASK(graflow_describe) int32_t describe(void)
{
    static const char text[] =
#include "describe.inc"
        ;
    host_output_write(text, sizeof text - 1);
    return 0;
}

/* read_input parses the document. */
static JSValue read_input(JSContext *ctx)
{
    int32_t n = host_input_len();
    char *p = js_malloc(ctx, n + 1);
    JSValue v;
    if (!p)
        return JS_EXCEPTION;
    host_input_read(p, n);
    p[n] = 0;
    v = from_json(ctx, p, n, "<input>");
    js_free(ctx, p);
    return v;
}

/* tell_failure answers for a prelude that failed: memory ended, or the code has
   broken what the prelude needs to tell more. */
static int tell_failure(JSContext *ctx)
{
    static const char start[] = "{\"error\":{\"kind\":\"exception\",\"type\":\"Error\",\"message\":";
    JSValue e = JS_GetException(ctx), message = JS_UNDEFINED;
    Writer w;
    if (JS_IsNull(e) || is_out_of_memory(ctx, e)) {
        host_output_write(out_of_memory, sizeof out_of_memory - 1);
        return has_failed;
    }
    if (JS_IsObject(e))
        message = JS_GetProperty(ctx, e, JS_ATOM_message);
    if (!JS_IsString(message))
        message = JS_NewString(ctx, "the code broke what tells its errors");
    if (to_json(&w, ctx, message, "message", 1))
        return broken("the interpreter can't go on");
    host_output_write(start, sizeof start - 1);
    host_output_write(w.out.buf, w.out.size);
    host_output_write("}}", 2);
    return has_failed;
}

/* answer is what came of the run: a document, or an export's value after fail. */
static int answer(JSContext *ctx, JSValue v)
{
    Writer w;
    int bad;
    if (JS_IsException(v)) {
        free(reserve);
        return tell_failure(ctx);
    }
    if (JS_IsString(v)) { /* made by the prelude: {"value": …} as text */
        Text t;
        if (text_of(ctx, v, &t))
            return tell_failure(ctx);
        host_output_write(t.p, t.n);
        free_text(ctx, v, &t);
        return has_failed;
    }
    bad = to_json(&w, ctx, v, "answer", 1);
    if (bad)
        return tell_failure(ctx);
    host_output_write(w.out.buf, w.out.size);
    dbuf_free(&w.out);
    return has_failed;
}

/* perform gives the document to a function of the prelude. */
static int32_t perform(JSValue *function)
{
    JSValue document;
    if (start())
        return broken("the interpreter does not start: out of memory");
    has_failed = 0;
    JS_UpdateStackTop(runtime);
    runtime->malloc_gc_threshold = runtime->malloc_state.malloc_size + (4 << 20);
    js_host_reseed(context, JS_UNDEFINED, 0, NULL);
    document = read_input(context);
    if (JS_IsException(document))
        return tell_failure(context);
    return answer(context, JS_Call(context, *function, JS_UNDEFINED, 1, (JSValueConst *)&document));
}

TASK(run) int32_t run(void)
{
    return perform(&run_function);
}

TASK(erase) int32_t erase(void)
{
    return perform(&erase_function);
}
