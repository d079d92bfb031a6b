/* What a call of a tool needs besides the call: a promise that the prelude settles, and the
   place where it was made, which only its failure asks for. */

static JSAtom prelude_name; /* of the file that the prelude's functions are of */

/* host.pending() is a promise of the engine's own, for host.settle. */
static JSValue js_host_pending(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue promise = JS_NewObjectClass(ctx, JS_CLASS_PROMISE);
    JSPromiseData *s;
    if (JS_IsException(promise))
        return promise;
    s = js_mallocz(ctx, sizeof *s);
    if (!s) {
        JS_FreeValue(ctx, promise);
        return JS_EXCEPTION;
    }
    s->promise_state = JS_PROMISE_PENDING;
    init_list_head(&s->promise_reactions[0]);
    init_list_head(&s->promise_reactions[1]);
    s->promise_result = JS_UNDEFINED;
    JS_SetOpaque(promise, s);
    return promise;
}

/* host.settle(promise, value, rejected). The value is as it is, be it a thenable. */
static JSValue js_host_settle(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    fulfill_or_reject_promise(ctx, argv[0], argv[1], JS_ToBool(ctx, argv[2]));
    return JS_UNDEFINED;
}

/* host.here() is where the code is: its functions from the inside out, each with how far it
   has come. Those of the prelude are left out. */
static JSValue js_host_here(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    JSValue list = JS_NewArray(ctx);
    for (uint32_t n = 0; !JS_IsException(list) && sf && !(sf->js_mode & JS_MODE_BACKTRACE_BARRIER) && n < 2 * 50; sf = sf->prev_frame) {
        JSObject *p = JS_VALUE_GET_OBJ(sf->cur_func);
        JSFunctionBytecode *b = js_class_has_bytecode(p->class_id) ? p->u.func.function_bytecode : NULL;
        if (!b || !b->has_debug || b->debug.filename == prelude_name)
            continue;
        if (JS_SetPropertyUint32(ctx, list, n++, JS_DupValue(ctx, sf->cur_func)) < 0 ||
            JS_SetPropertyUint32(ctx, list, n++, JS_NewInt32(ctx, sf->cur_pc - b->byte_code_buf - 1)) < 0) {
            JS_FreeValue(ctx, list);
            return JS_EXCEPTION;
        }
    }
    return list;
}

/* put_frame writes a line of a stack as the engine does. */
static void put_frame(JSContext *ctx, DynBuf *b, JSValueConst func, int pc)
{
    const JSFunctionBytecode *code = JS_VALUE_GET_OBJ(func)->u.func.function_bytecode;
    const char *name = get_func_name(ctx, func), *file = JS_AtomToCString(ctx, code->debug.filename);
    int line, column;
    line = find_line_num(ctx, (JSFunctionBytecode *)code, pc, &column);
    dbuf_printf(b, "    at %s (%s", name && name[0] ? name : "<anonymous>", file ? file : "<null>");
    if (line != 0)
        js_put_place(b, line, column);
    dbuf_putstr(b, ")\n");
    JS_FreeCString(ctx, name);
    JS_FreeCString(ctx, file);
}

/* host.stack(here) is that place as the stack of an error. */
static JSValue js_host_stack(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue v;
    JSObject *list = JS_VALUE_GET_OBJ(argv[0]);
    DynBuf b;
    js_dbuf_init(ctx, &b);
    for (uint32_t i = 0; i + 1 < list->u.array.count; i += 2)
        put_frame(ctx, &b, list->u.array.u.values[i], JS_VALUE_GET_INT(list->u.array.u.values[i + 1]));
    v = dbuf_error(&b) ? JS_ThrowOutOfMemory(ctx) : JS_NewStringLen(ctx, (char *)b.buf, b.size);
    dbuf_free(&b);
    return v;
}
