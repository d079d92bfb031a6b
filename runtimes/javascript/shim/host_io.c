/* What the prelude needs of WASI and of the engine: bytes, clocks, randomness, output. */

#include <errno.h>
#include <time.h>
#include <unistd.h>

static int bytes_arg(JSContext *ctx, JSValueConst v, const uint8_t **p, size_t *n)
{
    int detached;
    *p = bytes_of(ctx, v, n, &detached);
    if (*p)
        return 0;
    JS_ThrowTypeError(ctx, detached ? "the buffer was transferred away" : "bytes are needed: an ArrayBuffer or a view of one");
    return -1;
}

/* host.parse(text): JSON to a value */
static JSValue js_host_parse(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    Text t;
    JSValue v;
    if (text_of(ctx, argv[0], &t))
        return JS_EXCEPTION;
    v = from_json(ctx, t.p, t.n, "<json>");
    free_text(ctx, argv[0], &t);
    return v;
}

/* host.stringify(value, root): a value to JSON */
static JSValue js_host_stringify(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    Writer w;
    Text root;
    JSValue v = JS_EXCEPTION;
    if (text_of(ctx, argv[1], &root))
        return JS_EXCEPTION;
    if (!to_json(&w, ctx, argv[0], root.p, 0))
        v = JS_NewStringLen(ctx, (char *)w.out.buf, w.out.size);
    dbuf_free(&w.out);
    free_text(ctx, argv[1], &root);
    return v;
}

/* host.encode(text): UTF-8 of it, lone surrogates as U+FFFD */
static JSValue js_host_encode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    Text t;
    JSValue v, whole = js_string_toWellFormed(ctx, argv[0], 0, NULL);
    if (JS_IsException(whole) || text_of(ctx, whole, &t))
        return JS_EXCEPTION;
    v = new_bytes(ctx, (const uint8_t *)t.p, t.n);
    free_text(ctx, whole, &t);
    JS_FreeValue(ctx, whole);
    return v;
}

/* host.decode(bytes): text of UTF-8; what is not becomes U+FFFD */
static JSValue js_host_decode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const uint8_t *p;
    size_t n;
    if (bytes_arg(ctx, argv[0], &p, &n))
        return JS_EXCEPTION;
    return JS_NewStringLen(ctx, (const char *)p, n);
}

static JSValue js_host_base64(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const uint8_t *p;
    size_t n;
    DynBuf b;
    JSValue v;
    if (bytes_arg(ctx, argv[0], &p, &n))
        return JS_EXCEPTION;
    dbuf_init(&b);
    put_base64(&b, p, n);
    v = dbuf_error(&b) ? JS_ThrowOutOfMemory(ctx) : JS_NewStringLen(ctx, (char *)b.buf, b.size);
    dbuf_free(&b);
    return v;
}

static JSValue js_host_unbase64(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return from_base64(ctx, argv[0]);
}

/* host.random(n): n bytes of WASI's random_get */
static JSValue js_host_random(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    uint32_t n;
    uint8_t *p;
    JSValue v;
    if (JS_ToUint32(ctx, &n, argv[0]))
        return JS_EXCEPTION;
    p = js_malloc(ctx, n ? n : 1);
    if (!p)
        return JS_EXCEPTION;
    for (uint32_t i = 0; i < n; i += 256)
        getentropy(p + i, n - i < 256 ? n - i : 256);
    v = new_bytes(ctx, p, n);
    js_free(ctx, p);
    return v;
}

/* host.reseed() makes Math.random start anew. */
static JSValue js_host_reseed(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    getentropy(&ctx->random_state, sizeof ctx->random_state);
    ctx->random_state |= 1;
    return JS_UNDEFINED;
}

/* host.now(): milliseconds of the monotonic clock */
static JSValue js_host_now(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return JS_NewFloat64(ctx, t.tv_sec * 1e3 + t.tv_nsec / 1e6);
}

/* host.sleep(milliseconds) */
static JSValue js_host_sleep(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    double ms;
    if (JS_ToFloat64(ctx, &ms, argv[0]))
        return JS_EXCEPTION;
    if (ms > 0) {
        struct timespec t = {(time_t)(ms / 1e3), (long)(fmod(ms, 1e3) * 1e6)};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    }
    return JS_UNDEFINED;
}

/* host.write(fd, text) */
static JSValue js_host_write(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int fd;
    Text t;
    size_t done = 0;
    if (JS_ToInt32(ctx, &fd, argv[0]) || text_of(ctx, argv[1], &t))
        return JS_EXCEPTION;
    while (done < t.n) {
        ssize_t n = write(fd, t.p + done, t.n - done);
        if (n <= 0)
            break;
        done += n;
    }
    free_text(ctx, argv[1], &t);
    return JS_UNDEFINED;
}
