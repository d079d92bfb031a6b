/* What the prelude needs of the engine itself: evaluating, jobs, promises, modules. */

static JSValue rejections = JS_UNDEFINED; /* an array: promise, reason, promise, reason, … not handled so far */
static JSValue module_hooks = JS_UNDEFINED; /* {normalize(base, name), load(name)} of the prelude */

/* host.evaluate(code, file, module): the promise of {value}, or of a module's namespace. */
static JSValue js_host_evaluate(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    Text code, file;
    JSValue v;
    int flags = JS_ToBool(ctx, argv[2]) ? JS_EVAL_TYPE_MODULE : JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_ASYNC;
    if (text_of(ctx, argv[0], &code) || text_of(ctx, argv[1], &file))
        return JS_EXCEPTION;
    v = JS_Eval(ctx, code.p, code.n, file.p, flags | JS_EVAL_FLAG_BACKTRACE_BARRIER | JS_EVAL_FLAG_COMPILE_ONLY);
    free_text(ctx, argv[0], &code);
    free_text(ctx, argv[1], &file);
    return v;
}

/* host.script(code, file) compiles a script that does not await. */
static JSValue js_host_script(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    Text code, file;
    JSValue v;
    if (text_of(ctx, argv[0], &code) || text_of(ctx, argv[1], &file))
        return JS_EXCEPTION;
    v = JS_Eval(ctx, code.p, code.n, file.p, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    free_text(ctx, argv[0], &code);
    free_text(ctx, argv[1], &file);
    return v;
}

/* host.start(code) runs what host.evaluate compiled. */
static JSValue js_host_start(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSStackFrame *caller = ctx->rt->current_stack_frame;
    int saved = caller->js_mode;
    JSValue v;
    caller->js_mode |= JS_MODE_BACKTRACE_BARRIER;
    v = JS_EvalFunction(ctx, JS_DupValue(ctx, argv[0]));
    caller->js_mode = saved;
    return v;
}

/* host.variable(name, code): a global variable, lexical or not, or one at the top of the
   module that code is; undefined if there is none. */
static JSValue js_host_variable(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSAtom name = JS_ValueToAtom(ctx, argv[0]);
    JSValue v = JS_UNDEFINED;
    JSProperty *pr;
    if (name == JS_ATOM_NULL)
        return JS_EXCEPTION;
    if (JS_VALUE_GET_TAG(argv[1]) == JS_TAG_MODULE) {
        JSModuleDef *m = JS_VALUE_GET_PTR(argv[1]);
        JSObject *f = JS_VALUE_GET_OBJ(m->func_obj);
        JSFunctionBytecode *b = f->u.func.function_bytecode;
        for (int i = 0; i < b->closure_var_count; i++) {
            if (b->closure_var[i].var_name == name && f->u.func.var_refs[i])
                v = JS_DupValue(ctx, *f->u.func.var_refs[i]->pvalue);
        }
    } else if (find_own_property(&pr, JS_VALUE_GET_OBJ(ctx->global_var_obj), name)) {
        v = JS_DupValue(ctx, pr->u.value);
    } else {
        v = JS_GetProperty(ctx, ctx->global_obj, name);
    }
    JS_FreeAtom(ctx, name);
    return JS_VALUE_GET_TAG(v) == JS_TAG_UNINITIALIZED ? JS_UNDEFINED : v;
}

/* host.namespace(code): the exports of the module that code is. */
static JSValue js_host_namespace(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    if (JS_VALUE_GET_TAG(argv[0]) != JS_TAG_MODULE)
        return JS_UNDEFINED;
    return JS_GetModuleNamespace(ctx, JS_VALUE_GET_PTR(argv[0]));
}

/* host.jobs() runs promise jobs until there are none; whether there were any. A job's exception is a bug of the engine's
   or out of memory; it is thrown on. */
static JSValue js_host_jobs(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSContext *of;
    JSStackFrame *caller = ctx->rt->current_stack_frame;
    int saved = caller->js_mode, n, any = 0;
    caller->js_mode |= JS_MODE_BACKTRACE_BARRIER;
    while ((n = JS_ExecutePendingJob(ctx->rt, &of)) > 0)
        any = 1;
    caller->js_mode = saved;
    return n < 0 ? JS_EXCEPTION : JS_NewBool(ctx, any);
}

/* host.call(f, argument) calls f for the user: frames of the prelude below it don't show. */
static JSValue js_host_call(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSStackFrame *caller = ctx->rt->current_stack_frame;
    int saved = caller->js_mode;
    JSValue v;
    caller->js_mode |= JS_MODE_BACKTRACE_BARRIER;
    v = JS_Call(ctx, argv[0], JS_UNDEFINED, argc - 1, argv + 1);
    caller->js_mode = saved;
    return v;
}

/* forget_rejection takes a promise off the list of those that nobody handles. */
static void forget_rejection(JSContext *ctx, JSValueConst promise);

/* host.watch(value): the promise that a value is, or is the thenable of; undefined if it is
   neither. It counts as handled from then on. */
static JSValue js_host_watch(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue then, promise, resolvers[2], r;
    int thenable;
    if (JS_VALUE_GET_TAG(argv[0]) != JS_TAG_OBJECT)
        return JS_UNDEFINED;
    if (JS_VALUE_GET_OBJ(argv[0])->class_id == JS_CLASS_PROMISE) {
        promise = JS_DupValue(ctx, argv[0]);
    } else {
        then = JS_GetProperty(ctx, argv[0], JS_ATOM_then);
        thenable = JS_IsFunction(ctx, then);
        JS_FreeValue(ctx, then);
        if (!thenable)
            return JS_IsException(then) ? JS_EXCEPTION : JS_UNDEFINED;
        promise = JS_NewPromiseCapability(ctx, resolvers);
        if (JS_IsException(promise))
            return promise;
        r = JS_Call(ctx, resolvers[0], JS_UNDEFINED, 1, argv);
        JS_FreeValue(ctx, resolvers[0]);
        JS_FreeValue(ctx, resolvers[1]);
        JS_FreeValue(ctx, r);
    }
    JS_VALUE_GET_OBJ(promise)->u.promise_data->is_handled = TRUE;
    forget_rejection(ctx, promise);
    return promise;
}

/* host.settled(promise): undefined while it is pending, else [fulfilled, value]. */
static JSValue js_host_settled(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSPromiseStateEnum state = JS_PromiseState(ctx, argv[0]);
    JSValue pair;
    if (state != JS_PROMISE_FULFILLED && state != JS_PROMISE_REJECTED)
        return JS_UNDEFINED;
    pair = JS_NewArray(ctx);
    JS_SetPropertyUint32(ctx, pair, 0, JS_NewBool(ctx, state == JS_PROMISE_FULFILLED));
    JS_SetPropertyUint32(ctx, pair, 1, JS_PromiseResult(ctx, argv[0]));
    return pair;
}

static int rejection_count(JSContext *ctx)
{
    int64_t n = 0;
    if (!JS_IsUndefined(rejections))
        js_get_length64(ctx, &n, rejections);
    return n;
}

/* host.rejections() hands out what was not handled, and forgets it. */
static JSValue js_host_rejections(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue all = rejections;
    int n = rejection_count(ctx);
    rejections = JS_UNDEFINED;
    if (n > 0)
        return all;
    JS_FreeValue(ctx, all);
    return JS_UNDEFINED;
}

static void forget_rejection(JSContext *ctx, JSValueConst promise)
{
    int n = rejection_count(ctx);
    for (int i = 0; i < n; i += 2) {
        JSValue p = JS_GetPropertyUint32(ctx, rejections, i);
        int same = JS_VALUE_GET_PTR(p) == JS_VALUE_GET_PTR(promise);
        JS_FreeValue(ctx, p);
        if (!same)
            continue;
        JSValue count[] = {JS_NewInt32(ctx, i), JS_NewInt32(ctx, 2)};
        JS_FreeValue(ctx, js_array_slice(ctx, rejections, 2, (JSValueConst *)count, 1));
        return;
    }
}

static void note_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL handled, void *opaque)
{
    int n = rejection_count(ctx);
    if (!handled) {
        if (JS_IsUndefined(rejections))
            rejections = JS_NewArray(ctx);
        JS_SetPropertyUint32(ctx, rejections, n, JS_DupValue(ctx, promise));
        JS_SetPropertyUint32(ctx, rejections, n + 1, JS_DupValue(ctx, reason));
        return;
    }
    forget_rejection(ctx, promise);
}

static JSValue invoke_hook(JSContext *ctx, const char *name, int argc, JSValueConst *argv)
{
    JSAtom atom = JS_NewAtom(ctx, name);
    JSValue v = JS_Invoke(ctx, module_hooks, atom, argc, argv);
    JS_FreeAtom(ctx, atom);
    return v;
}

static char *normalize_module(JSContext *ctx, const char *base, const char *name, void *opaque)
{
    JSValue args[] = {JS_NewString(ctx, base), JS_NewString(ctx, name)}, v;
    const char *s;
    char *copy = NULL;
    v = JS_IsUndefined(module_hooks) ? JS_ThrowReferenceError(ctx, "there is no module %s", name)
                                     : invoke_hook(ctx, "normalize", 2, (JSValueConst *)args);
    JS_FreeValue(ctx, args[0]);
    JS_FreeValue(ctx, args[1]);
    if (JS_IsException(v))
        return NULL;
    if ((s = JS_ToCString(ctx, v)))
        copy = js_strdup(ctx, s);
    JS_FreeCString(ctx, s);
    JS_FreeValue(ctx, v);
    return copy;
}

/* export_all gives a module made of an object its values. */
static int export_all(JSContext *ctx, JSModuleDef *m)
{
    JSPropertyEnum *names;
    uint32_t n;
    JSValue of = JS_GetPropertyStr(ctx, module_hooks, "objects"), exports, name = JS_AtomToString(ctx, m->module_name);
    JSAtom key = JS_ValueToAtom(ctx, name);
    int bad;
    JS_FreeValue(ctx, name);
    exports = JS_GetProperty(ctx, of, key);
    JS_FreeAtom(ctx, key);
    JS_FreeValue(ctx, of);
    bad = JS_GetOwnPropertyNames(ctx, &names, &n, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY);
    for (uint32_t i = 0; !bad && i < n; i++) {
        const char *s = JS_AtomToCString(ctx, names[i].atom);
        bad = !s || JS_SetModuleExport(ctx, m, s, JS_GetProperty(ctx, exports, names[i].atom));
        JS_FreeCString(ctx, s);
    }
    if (!bad)
        js_free_prop_enum(ctx, names, n);
    JS_FreeValue(ctx, exports);
    return bad ? -1 : 0;
}

/* object_module makes a module whose exports are the properties of an object. */
static JSModuleDef *object_module(JSContext *ctx, const char *name, JSValueConst exports)
{
    JSPropertyEnum *names;
    uint32_t n;
    JSModuleDef *m = JS_NewCModule(ctx, name, export_all);
    if (!m || JS_GetOwnPropertyNames(ctx, &names, &n, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY))
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        const char *s = JS_AtomToCString(ctx, names[i].atom);
        if (s)
            JS_AddModuleExport(ctx, m, s);
        JS_FreeCString(ctx, s);
    }
    js_free_prop_enum(ctx, names, n);
    return m;
}

/* load_module asks the prelude, which answers with source text or with an object of exports. */
static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque)
{
    JSValue arg = JS_NewString(ctx, name), v = invoke_hook(ctx, "load", 1, (JSValueConst *)&arg);
    JSModuleDef *m = NULL;
    JS_FreeValue(ctx, arg);
    if (JS_IsException(v))
        return NULL;
    if (JS_IsString(v)) {
        Text code;
        if (!text_of(ctx, v, &code)) {
            JSValue f = JS_Eval(ctx, code.p, code.n, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
            if (!JS_IsException(f)) {
                m = JS_VALUE_GET_PTR(f);
                JS_FreeValue(ctx, f);
            }
            free_text(ctx, v, &code);
        }
    } else {
        m = object_module(ctx, name, v);
    }
    JS_FreeValue(ctx, v);
    return m;
}

/* host.moduleHooks(hooks) */
static JSValue js_host_module_hooks(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    module_hooks = JS_DupValue(ctx, argv[0]);
    return JS_UNDEFINED;
}

/* host.isModule(code) */
static JSValue js_host_is_module(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return JS_NewBool(ctx, JS_VALUE_GET_TAG(argv[0]) == JS_TAG_MODULE);
}

/* host.completion(): what the last expression statement of a module gave. */
static JSValue js_host_completion(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue v = JS_GetProperty(ctx, ctx->global_obj, JS_ATOM__ret_);
    JS_DefinePropertyValue(ctx, ctx->global_obj, JS_ATOM__ret_, JS_UNDEFINED, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    return v;
}

/* host.called(f): whether a function was entered already. */
static JSValue js_host_called(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSObject *p = JS_VALUE_GET_OBJ(argv[0]);
    return JS_NewBool(ctx, JS_VALUE_GET_TAG(argv[0]) == JS_TAG_OBJECT && js_class_has_bytecode(p->class_id) &&
                               p->u.func.function_bytecode->called);
}

/* host.thrownAt(value): the stack where a value that is no Error was thrown last. */
static JSValue js_host_thrown_at(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    if (!js_same_value(ctx, thrown_value, argv[0]))
        return JS_UNDEFINED;
    return JS_GetProperty(ctx, thrown_stack, JS_ATOM_stack);
}
