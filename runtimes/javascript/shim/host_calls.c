/* The host functions as functions of JavaScript: host.ask and host.tell.
   Those that answer with bytes give a string, those with a code a number; a
   negative code is a number in both. */

typedef struct { const char *p; size_t n; } Text;

static int text_of(JSContext *ctx, JSValueConst v, Text *t)
{
    if (JS_IsUndefined(v)) {
        *t = (Text){"", 0};
        return 0;
    }
    t->p = JS_ToCStringLen(ctx, &t->n, v);
    return t->p ? 0 : -1;
}

static void free_text(JSContext *ctx, JSValueConst v, Text *t)
{
    if (!JS_IsUndefined(v))
        JS_FreeCString(ctx, t->p);
}

/* reply fetches the n bytes that the host holds, with a NUL behind them. */
static char *reply(JSContext *ctx, int64_t n)
{
    char *p = js_malloc(ctx, n + 1);
    if (p) {
        host_reply_read(p, n);
        p[n] = 0;
    }
    return p;
}

static JSValue reply_text(JSContext *ctx, int64_t n)
{
    JSValue v;
    char *p;
    if (n < 0)
        return JS_NewInt32(ctx, n);
    p = reply(ctx, n);
    if (!p)
        return JS_EXCEPTION;
    v = JS_NewStringLen(ctx, p, n);
    js_free(ctx, p);
    return v;
}

enum { ASK_META, ASK_RESULT, ASK_CHANNEL_GET, ASK_CHANNEL_KEYS, ASK_PAUSE, ASK_SECRET, ASK_HTTP };

static JSValue js_ask(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int magic)
{
    Text a;
    int64_t n = 0;
    if (text_of(ctx, argc ? argv[0] : JS_UNDEFINED, &a))
        return JS_EXCEPTION;
    switch (magic) {
    case ASK_META: n = host_meta(); break;
    case ASK_RESULT: n = host_result_get(a.p, a.n); break;
    case ASK_CHANNEL_GET: n = host_channel_get(a.p, a.n); break;
    case ASK_CHANNEL_KEYS: n = host_channel_keys(a.p, a.n); break;
    case ASK_PAUSE: n = host_pause(a.p, a.n); break;
    case ASK_SECRET: n = host_secret_get(a.p, a.n); break;
    case ASK_HTTP: n = host_http_request(a.p, a.n); break;
    }
    free_text(ctx, argc ? argv[0] : JS_UNDEFINED, &a);
    return reply_text(ctx, n);
}

enum {
    TELL_SET, TELL_DELETE, TELL_APPEND, TELL_PREPEND, TELL_ADD, TELL_NEXT_TASK,
    TELL_NEXT_ITERATION, TELL_TERMINATE, TELL_CANCEL, TELL_CHECKPOINT, TELL_CHECKPOINT_AS,
};

static JSValue js_tell(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int magic)
{
    JSValueConst first = argc > 0 ? argv[0] : JS_UNDEFINED, second = argc > 1 ? argv[1] : JS_UNDEFINED;
    Text a, b;
    int32_t code = 0;
    if (text_of(ctx, first, &a))
        return JS_EXCEPTION;
    if (text_of(ctx, second, &b)) {
        free_text(ctx, first, &a);
        return JS_EXCEPTION;
    }
    switch (magic) {
    case TELL_SET: code = host_channel_set(a.p, a.n, b.p, b.n); break;
    case TELL_DELETE: code = host_channel_delete(a.p, a.n); break;
    case TELL_APPEND: code = host_channel_append(a.p, a.n, b.p, b.n); break;
    case TELL_PREPEND: code = host_channel_prepend(a.p, a.n, b.p, b.n); break;
    case TELL_ADD: code = host_channel_add(a.p, a.n, b.p, b.n); break;
    case TELL_NEXT_TASK: code = host_next_task(a.p, a.n); break;
    case TELL_NEXT_ITERATION: code = host_next_iteration(a.p, a.n); break;
    case TELL_TERMINATE: code = host_terminate(a.p, a.n); break;
    case TELL_CANCEL: code = host_cancel(a.p, a.n); break;
    case TELL_CHECKPOINT: code = host_checkpoint(a.p, a.n); break;
    case TELL_CHECKPOINT_AS: code = host_checkpoint_as(a.p, a.n, b.p, b.n); break;
    }
    free_text(ctx, first, &a);
    free_text(ctx, second, &b);
    return JS_NewInt32(ctx, code);
}

/* host.log(level, line) */
static JSValue js_host_log(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int level;
    Text line;
    if (JS_ToInt32(ctx, &level, argv[0]) || text_of(ctx, argv[1], &line))
        return JS_EXCEPTION;
    host_log(level, line.p, line.n);
    free_text(ctx, argv[1], &line);
    return JS_UNDEFINED;
}

/* host.progress(done, total, note) */
static JSValue js_host_progress(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    double done, total;
    Text note;
    if (JS_ToFloat64(ctx, &done, argv[0]) || JS_ToFloat64(ctx, &total, argv[1]) || text_of(ctx, argv[2], &note))
        return JS_EXCEPTION;
    host_progress(done, total, note.p, note.n);
    free_text(ctx, argv[2], &note);
    return JS_UNDEFINED;
}

static int has_failed; /* the export is to answer 1 */

/* host.fail(kind, message, flags) */
static JSValue js_host_fail(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int64_t flags;
    Text kind, message;
    if (JS_ToInt64(ctx, &flags, argv[2]) || text_of(ctx, argv[0], &kind) || text_of(ctx, argv[1], &message))
        return JS_EXCEPTION;
    host_fail(kind.p, kind.n, message.p, message.n, flags);
    has_failed = 1;
    free_text(ctx, argv[0], &kind);
    free_text(ctx, argv[1], &message);
    return JS_UNDEFINED;
}

/* host.toolCalls(calls, root) gives the calls, [{name, args}], to the host at once and
   answers with its answers, or with a code. */
static JSValue js_tool_calls(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    Writer w;
    JSValue v = JS_EXCEPTION;
    int64_t n;
    char *p;
    if (!to_json(&w, ctx, argv[0], "calls", 0)) {
        n = host_tool_calls((char *)w.out.buf, w.out.size);
        if (n < 0) {
            v = JS_NewInt32(ctx, n);
        } else if ((p = reply(ctx, n))) {
            v = from_json(ctx, p, n, "<answer>");
            js_free(ctx, p);
        }
    }
    dbuf_free(&w.out);
    return v;
}
