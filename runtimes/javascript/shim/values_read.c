/* JSON to values. JSON.parse does the work; integers that a double can't hold come
   through it as objects of a marked key, which become BigInts afterwards, as
   {"$bytes"} becomes a Uint8Array and {"$time"} a Date. */

#define BIG_KEY "\x01" "big" /* no JSON text has it unescaped */

static JSValue date_constructor; /* as it was before any code of a user ran */

/* is_big tells whether the digits of an integer are beyond 2^53-1. */
static int is_big(const char *digits, size_t n)
{
    while (n > 1 && *digits == '0')
        digits++, n--;
    return n > 16 || (n == 16 && memcmp(digits, "9007199254740991", 16) > 0);
}

/* mark_big copies JSON with large integers wrapped into marked objects. 0: there are none. */
static int mark_big(const char *p, size_t n, DynBuf *out)
{
    const char *end = p + n, *kept = p;
    int in_string = 0, found = 0;
    while (p < end) {
        const char *digits = p;
        if (in_string) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                in_string = 0;
            p++;
            continue;
        }
        if (*p == '"')
            in_string = 1;
        if (*p == '-')
            digits++;
        if (digits == end || *digits < '0' || *digits > '9') {
            p++;
            continue;
        }
        const char *q = digits;
        while (q < end && *q >= '0' && *q <= '9')
            q++;
        int integer = q == end || (*q != '.' && *q != 'e' && *q != 'E');
        if (integer && is_big(digits, q - digits)) {
            dbuf_put(out, (const uint8_t *)kept, p - kept);
            dbuf_putstr(out, "{\"\\u0001big\":\"");
            dbuf_put(out, (const uint8_t *)p, q - p);
            dbuf_putstr(out, "\"}");
            kept = q;
            found = 1;
        }
        while (!integer && q < end && strchr("0123456789.eE+-", *q))
            q++;
        p = q;
    }
    if (found) {
        dbuf_put(out, (const uint8_t *)kept, end - kept);
        dbuf_putc(out, 0);
    }
    return found;
}

static JSValue revive(JSContext *ctx, JSValue v);

/* only_property is the value of an object's only property, if it is a string of that name. */
static JSValue only_property(JSContext *ctx, JSValueConst v, const char *name)
{
    JSShape *shape = JS_VALUE_GET_OBJ(v)->shape;
    JSAtom atom;
    JSValue e = JS_UNDEFINED;
    if (shape->prop_count != 1)
        return JS_UNDEFINED;
    atom = JS_NewAtom(ctx, name);
    if (get_shape_prop(shape)[0].atom == atom)
        e = JS_GetProperty(ctx, v, atom);
    JS_FreeAtom(ctx, atom);
    if (!JS_IsString(e)) {
        JS_FreeValue(ctx, e);
        return JS_UNDEFINED;
    }
    return e;
}

static int base64_digit(int c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* base64_decode answers with how many bytes, or -1 if the text is not base64. out
   has room for n * 3 / 4 + 3. */
static int64_t base64_decode(const char *s, size_t n, uint8_t *out)
{
    uint32_t bits = 0;
    int have = 0;
    uint8_t *q = out;
    while (n && s[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        int d = base64_digit((uint8_t)s[i]);
        if (d < 0)
            return -1;
        bits = bits << 6 | d;
        if ((have += 6) >= 8)
            *q++ = bits >> (have -= 8);
    }
    return n % 4 == 1 ? -1 : q - out;
}

/* new_bytes is a Uint8Array with a copy of the bytes. */
static JSValue new_bytes(JSContext *ctx, const uint8_t *p, size_t n)
{
    JSValue args[] = {JS_NewArrayBufferCopy(ctx, p, n), JS_UNDEFINED, JS_UNDEFINED}, v; /* it reads three */
    if (JS_IsException(args[0]))
        return args[0];
    v = JS_NewTypedArray(ctx, 1, (JSValueConst *)args, JS_TYPED_ARRAY_UINT8);
    JS_FreeValue(ctx, args[0]);
    return v;
}

/* from_base64 is a Uint8Array, or undefined if the text is not base64. */
static JSValue from_base64(JSContext *ctx, JSValueConst text)
{
    size_t n;
    JSValue v = JS_UNDEFINED;
    const char *s = JS_ToCStringLen(ctx, &n, text);
    uint8_t *out = s ? js_malloc(ctx, n / 4 * 3 + 4) : NULL;
    if (out) {
        int64_t got = base64_decode(s, n, out);
        if (got >= 0)
            v = new_bytes(ctx, out, got);
        js_free(ctx, out);
    }
    JS_FreeCString(ctx, s);
    return out ? v : JS_EXCEPTION;
}

/* from_time is a Date, or undefined if the text is no time. */
static JSValue from_time(JSContext *ctx, JSValueConst text)
{
    double t;
    JSValue date = JS_CallConstructor(ctx, date_constructor, 1, &text);
    if (JS_IsException(date))
        return date;
    if (JS_ToFloat64(ctx, &t, JS_VALUE_GET_OBJ(date)->u.object_data) || isnan(t)) {
        JS_FreeValue(ctx, date);
        return JS_UNDEFINED;
    }
    return date;
}

static JSValue from_big(JSContext *ctx, JSValueConst digits)
{
    return js_bigint_constructor(ctx, JS_UNDEFINED, 1, &digits);
}

static JSValue revive_object(JSContext *ctx, JSValue v)
{
    static const struct { const char *key; JSValue (*make)(JSContext *, JSValueConst); } marks[] = {
        {BIG_KEY, from_big}, {"$bytes", from_base64}, {"$time", from_time},
    };
    JSShape *shape = JS_VALUE_GET_OBJ(v)->shape;
    if (shape->prop_count == 1) {
        for (size_t i = 0; i < countof(marks); i++) {
            JSValue made, text = only_property(ctx, v, marks[i].key);
            if (JS_IsUndefined(text))
                continue;
            made = marks[i].make(ctx, text);
            JS_FreeValue(ctx, text);
            if (JS_IsUndefined(made))
                return v;
            JS_FreeValue(ctx, v);
            return made;
        }
    }
    for (int i = 0; i < JS_VALUE_GET_OBJ(v)->shape->prop_count; i++) {
        JSValue *slot = &JS_VALUE_GET_OBJ(v)->prop[i].u.value;
        *slot = revive(ctx, *slot);
        if (JS_IsException(*slot)) {
            *slot = JS_UNDEFINED;
            JS_FreeValue(ctx, v);
            return JS_EXCEPTION;
        }
    }
    return v;
}

/* revive takes v, fresh from JSON.parse, and gives it back with its marks resolved. */
static JSValue revive(JSContext *ctx, JSValue v)
{
    JSObject *p;
    if (JS_VALUE_GET_TAG(v) != JS_TAG_OBJECT)
        return v;
    if (js_check_stack_overflow(ctx->rt, 0)) {
        JS_FreeValue(ctx, v);
        return JS_ThrowStackOverflow(ctx);
    }
    p = JS_VALUE_GET_OBJ(v);
    if (p->class_id != JS_CLASS_ARRAY)
        return revive_object(ctx, v);
    for (uint32_t i = 0; p->fast_array && i < p->u.array.count; i++) {
        JSValue *slot = &p->u.array.u.values[i];
        *slot = revive(ctx, *slot);
        if (JS_IsException(*slot)) {
            *slot = JS_UNDEFINED;
            JS_FreeValue(ctx, v);
            return JS_EXCEPTION;
        }
    }
    return v;
}

static int mentions(const char *p, size_t n, const char *what)
{
    return memmem(p, n, what, strlen(what)) != NULL;
}

/* from_json parses text that ends in a NUL behind its n bytes. */
static JSValue from_json(JSContext *ctx, const char *text, size_t n, const char *name)
{
    DynBuf marked;
    JSValue v;
    int big;
    dbuf_init(&marked);
    big = mark_big(text, n, &marked);
    if (dbuf_error(&marked)) {
        dbuf_free(&marked);
        return JS_ThrowOutOfMemory(ctx);
    }
    v = big ? JS_ParseJSON(ctx, (char *)marked.buf, marked.size - 1, name) : JS_ParseJSON(ctx, text, n, name);
    dbuf_free(&marked);
    if (!JS_IsException(v) && (big || mentions(text, n, "\"$bytes\"") || mentions(text, n, "\"$time\"")))
        v = revive(ctx, v);
    return v;
}
